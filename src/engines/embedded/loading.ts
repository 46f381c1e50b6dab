/** What whoever runs the machine has set for all models in it. */
export interface Loading {
  /** How long a model may take to load; default two minutes, and a second for every 16 MiB of its file. */
  readonly loadMs?: number | undefined;
  /** Faster, but a greedy row may read otherwise beside others than alone; default no. */
  readonly fusedAttention?: boolean | undefined;
  /** How long nobody asks a model until it leaves the memory, to be loaded again by the next request; default `UNLOAD_IDLE_MS`, 0: never. */
  readonly unloadIdleMs?: number | undefined;
  /** How much memory all models together may take, by what they are reckoned to need; default what the machine has. */
  readonly memoryBytes?: number | undefined;
}

export const UNLOAD_IDLE_MS = 300_000;
