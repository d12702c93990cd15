"""The realistic set by dlt: three resources over the paged API, merged into ClickHouse by primary key from Parquet files.

Arguments: the API's address, the dataset, and the nesting of child tables, or `default`. Where ClickHouse is comes from
the environment, as dlt reads it. Prints the rows of each table that were normalized, as JSON.
"""
import json
import sys

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

api, dataset, nesting = sys.argv[1], sys.argv[2], sys.argv[3]
client = RESTClient(api, paginator=JSONResponseCursorPaginator(cursor_path="next", cursor_param="cursor"))
# Money is exact in Headrace's tables too; everything else is as dlt finds it.
MONEY = {"total": {"data_type": "decimal", "precision": 18, "scale": 2}}


def merged(name):
    return dlt.resource(name=name, primary_key="id", write_disposition="merge", columns=MONEY)


@merged("orders")
def orders():
    for page in client.paginate("/orders", data_selector="data"):
        yield list(page)


@merged("enveloped")
def enveloped():
    for (body,) in client.paginate("/enveloped", data_selector="$"):
        head = {"account": body["account"], "region": body["region"]}
        yield [{**record, **head} for record in body["data"]]


@merged("mapped")
def mapped():
    for page in client.paginate("/mapped", data_selector="data"):
        yield [{"id": record["id"], **record["attributes"]} for record in page]


@dlt.source(max_table_nesting=None if nesting == "default" else int(nesting))
def realistic():
    return orders, enveloped, mapped


pipeline = dlt.pipeline(pipeline_name=dataset, destination="clickhouse", dataset_name=dataset)
pipeline.run(realistic(), loader_file_format="parquet")
print(json.dumps({"rows": pipeline.last_trace.last_normalize_info.row_counts}))
