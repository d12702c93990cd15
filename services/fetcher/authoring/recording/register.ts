/**
 * For tests of declarations outside this repository: `node --import …/register.ts --test` lets them import `headrace`
 * and `headrace/testing`.
 */
import { letDeclarationsImportHeadrace } from '#shared/declaration/load-sources.ts'

letDeclarationsImportHeadrace()
