/**
 * Whose turn it is: start-time fair queueing. Every account has a tally of what it was given in a lane (shards of one model; or plans); who has the
 * least is next. One that comes, or comes back, begins where the lane stands: it neither waits for what others have lined up, nor makes up for idle time.
 */

/** How an account that has something waiting stands in one lane. */
export interface Turn {
  readonly lane: string;
  readonly accountId: string;
  /** Its tally when it was last given something, and with that. */
  readonly started: number;
  readonly ended: number;
  /** Where the lane stands: the furthest start of any account in it, waiting or not. */
  readonly laneStands: number;
}

export interface Turns {
  /** Whose turn it is; undefined when nobody waits. Lanes come one after the other. */
  next(): Turn | undefined;
  /** It was given something that costs so much; answers how it stands now. */
  give(turn: Turn, cost: number): Turn;
  /** It has nothing waiting any more. */
  leave(turn: Turn): void;
}

/** The turns of those who wait. */
export function makeTurns(waiting: readonly Turn[]): Turns {
  const turns = new Map(waiting.map((turn) => [keyOf(turn), turn]));
  const stands = new Map(waiting.map(({ lane, laneStands }) => [lane, laneStands]));
  const given = new Map<string, number>();
  const startOf = ({ lane, ended }: Turn): number => Math.max(ended, stands.get(lane) ?? 0);
  const givenIn = ({ lane }: Turn): number => given.get(lane) ?? 0;
  const compare = (one: Turn, other: Turn): number =>
    givenIn(one) - givenIn(other) || startOf(one) - startOf(other) || one.ended - other.ended;
  return {
    next: () =>
      [...turns.values()].reduce<Turn | undefined>((best, turn) => (best && compare(best, turn) <= 0 ? best : turn), undefined),
    give(turn, cost) {
      const started = startOf(turn);
      const after = { ...turn, started, ended: started + cost };
      stands.set(turn.lane, Math.max(started, stands.get(turn.lane) ?? 0));
      given.set(turn.lane, givenIn(turn) + 1);
      turns.set(keyOf(turn), after);
      return after;
    },
    leave: (turn) => void turns.delete(keyOf(turn)),
  };
}

const keyOf = ({ lane, accountId }: Turn): string => `${lane} ${accountId}`;
