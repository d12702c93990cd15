# The image of fetcher, loader and operator: the npm package, installed by the lock file; what runs is the command.
# docs/image.md says how to build it, what is in it and how to verify that.
#
#   docker build -t headrace:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%FT%TZ)" .

# The Node that the package is tested with. The digest is that of the tag's index of all platforms.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

# The package, as `npm run build` and `npm pack` make it. What it is installed from is the folder app/.
FROM ${NODE_IMAGE} AS package
WORKDIR /build
COPY package.json package-lock.json ./
# A registry of one's own, its token and its authority come as secrets, which stay in no layer.
RUN --mount=type=secret,id=npmrc --mount=type=secret,id=npm_ca \
  NPM_CONFIG_USERCONFIG=/run/secrets/npmrc npm ci --include=dev --omit=optional --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json README.md LICENSE CHANGELOG.md ./
COPY docs ./docs
COPY template ./template
COPY bin ./bin
COPY shared ./shared
COPY services ./services
RUN node bin/build.ts && npm pack ./dist --loglevel=error && node bin/image/write-app.ts headrace-*.tgz app

# The package without the local stack, the packages that it needs, and the list of all that is in the image.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY --from=package /build/app ./
RUN --mount=type=secret,id=npmrc --mount=type=secret,id=npm_ca \
  NPM_CONFIG_USERCONFIG=/run/secrets/npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY --from=package /build/bin/image /sbom
ARG CREATED=
RUN npm sbom --sbom-format=cyclonedx > /sbom/npm.json \
  && dpkg-query --show --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\n' > /sbom/debian.tsv \
  && node /sbom/write-sbom.ts /sbom/npm.json /sbom/debian.tsv sbom.cdx.json "$CREATED" \
  && rm -r package.json package-lock.json headrace-*.tgz node_modules/.package-lock.json node_modules/.bin \
    node_modules/headrace/services/stack node_modules/headrace/services/sample-api

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
ARG SOURCE=
ARG CREATED=
LABEL org.opencontainers.image.title=headrace \
  org.opencontainers.image.description="Keeps a ClickHouse warehouse current from HTTP APIs through Kafka." \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.source="$SOURCE" \
  org.opencontainers.image.created="$CREATED" \
  org.opencontainers.image.licenses=Apache-2.0
ENV NODE_ENV=production \
  HEADRACE_HTTP_HOST=0.0.0.0 \
  HEADRACE_HTTP_PORT=9464 \
  HEADRACE_SOURCES=/sources
# No package manager. A volume for tokens takes its owner from the folder.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /opt/yarn-* /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && mkdir /sources /tokens && chown 1000:1000 /tokens \
  && ln -s /app/node_modules/headrace/bin/headrace.cjs /usr/local/bin/headrace
COPY --from=packages /app /app
WORKDIR /app
# By number: an orchestrator that refuses root cannot look a name up.
USER 1000:1000
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HEADRACE_HTTP_PORT + '/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["headrace"]
CMD ["--help"]
