/** Checks of types, which the compiler makes: a file with a wrong one does not compile. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `sameType<Expected>()(value)` compiles only if the value has exactly this type. */
export const sameType =
  <Expected>() =>
  <Given>(_given: Given, ..._same: Same<Given, Expected> extends true ? [] : [differs: Given]): true =>
    true
