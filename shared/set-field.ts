/** Sets an own field. An assignment to `__proto__` would change the prototype instead, so that field is defined. */
export function setField(into: object, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(into, name, { value, configurable: true, enumerable: true, writable: true })
  else (into as Record<string, unknown>)[name] = value
}
