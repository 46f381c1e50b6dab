import type { FailureCause } from '../cli/doors.ts';

/** Groups failed rows by cause while their lines pass by; keeps one example of each. */
export class FailureCauses {
  readonly #causes = new Map<string, { rows: number; readonly example: string }>();
  rows = 0;

  add(line: Buffer): void {
    // Our own line: `{"custom_id": …, "error": {"code", "message", "type"}}`.
    const { error } = JSON.parse(line.toString()) as {
      readonly error: { readonly code: number; readonly message: string; readonly type?: string };
    };
    const cause = error.type ?? `http-${error.code}`;
    this.rows += 1;
    const known = this.#causes.get(cause);
    if (known === undefined) this.#causes.set(cause, { rows: 1, example: error.message });
    else known.rows += 1;
  }

  /** Most rows first. */
  list(): readonly FailureCause[] {
    return [...this.#causes].map(([cause, { rows, example }]) => ({ cause, rows, example })).toSorted((a, b) => b.rows - a.rows);
  }
}
