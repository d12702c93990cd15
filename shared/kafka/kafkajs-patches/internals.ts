/**
 * Reaches into the package, which has no `exports` map. A module that is one function is replaced in the module cache,
 * so this must run before its dependants are loaded (`load.ts` ensures the order). Of a class, single methods are
 * replaced. The package is unmaintained and its version is pinned, so the patched code cannot change unnoticed.
 */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

/** The module below kafkajs/src, with the type that the caller expects. */
export function internal<T>(path: string): T {
  return load(`kafkajs/src/${path}`) as T
}

/** Modules that require it from now on get `exports`. */
export function replaceInternal(path: string, exports: unknown): void {
  const file = load.resolve(`kafkajs/src/${path}`)
  load(file)
  const module = load.cache[file]
  if (module === undefined) throw new Error(`kafkajs has no module ${path}`)
  module.exports = exports
}

/** The package keeps what it does not export under symbols. Throws for one that this object does not have. */
export function privateSymbol(object: object, description: string): symbol {
  const symbol = Object.getOwnPropertySymbols(object).find((each) => each.description === description)
  if (symbol === undefined) throw new Error(`the client package has no ${description}`)
  return symbol
}

export function loadPackage<T>(): T {
  return load('kafkajs') as T
}

/** A 64-bit integer of the package. */
export type Long = { toString(): string }

export type TopicPartitions = { topic: string; partitions: number[] }
