/**
 * A place in a list of what is under way. A list, not a Set: what comes and goes with each request makes a Set replace
 * its table all the time, and the old table points to the new one. Once one of them is in V8's old generation, it
 * keeps all that follow, and whatever was in them, until a full collection: that cost a third of the CPU time.
 */
export abstract class Listed {
  private readonly list: Listed[];
  /** -1 when it is over. */
  private at: number;

  /** @param list where it is from now on */
  constructor(list: Listed[]) {
    this.list = list;
    this.at = list.push(this) - 1;
  }

  /** Leaves the list, once; the last one takes its place. */
  leave(): void {
    if (this.at < 0) return;
    const last = this.list.pop() as Listed;
    if (last !== this) {
      this.list[this.at] = last;
      last.at = this.at;
    }
    this.at = -1;
  }
}
