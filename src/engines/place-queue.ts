/**
 * Who waits for a place at an engine: live requests before the rows of jobs, each kind by turns of its keys. Live requests that never end may not
 * end the jobs: while both wait, every eighth place is a row's.
 */
import { FairQueue } from './fair-queue.ts';

const ROW_EVERY = 8;

export class PlaceQueue<T> {
  /** By account. */
  readonly live = new FairQueue<T>();
  /** By account; a job asks for one place after the other, so an account's jobs take turns as well. */
  readonly rows = new FairQueue<T>();
  /** Places since the last row's that rows had to leave to live requests. */
  #passedOver = 0;

  get isEmpty(): boolean {
    return this.live.isEmpty && this.rows.isEmpty;
  }

  /** Takes whose turn it is. */
  shift(): T | undefined {
    if (this.rows.isEmpty) return this.live.shift();
    const isRowsTurn = this.live.isEmpty || this.#passedOver === ROW_EVERY - 1;
    this.#passedOver = isRowsTurn ? 0 : this.#passedOver + 1;
    return isRowsTurn ? this.rows.shift() : this.live.shift();
  }
}
