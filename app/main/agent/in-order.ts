/**
 * Delivers values one after the other, even when a delivery brings forth the next value: native calls,
 * such as redrawing a menu, let pending promises go on in their middle, and the listeners served last
 * would otherwise get the newer value before the older one, and keep that.
 *
 * @param deliver takes one value
 * @returns takes values in order; a value that comes during a delivery waits for its end
 */
export function inOrder<T>(deliver: (value: T) => void): (value: T) => void {
  const waiting: { readonly value: T }[] = [];
  let busy = false;
  return (value) => {
    waiting.push({ value });
    if (busy) return;
    busy = true;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) deliver(next.value);
    } finally {
      busy = false;
    }
  };
}
