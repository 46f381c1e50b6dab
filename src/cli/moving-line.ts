/** The one line of a run that moves; on a pipe a JSON line every 10 s instead. */
import { drawBar, drawBusy } from './bar.ts';
import type { Busy, RunProgress } from './doors.ts';
import type { Host, Undo } from './host.ts';
import { RateWindow } from './rates.ts';
import type { Screen } from './screen.ts';

/** Well below the 10 times a second that terminals show without flicker. */
const REDRAW_EVERY_MS = 200;
const REPORT_EVERY_MS = 10_000;

type Moving =
  | { readonly kind: 'progress'; readonly progress: RunProgress }
  | { readonly kind: 'busy'; readonly busy: Busy; readonly sinceMs: number };

/** Remembers the latest that it was told and shows it at its own pace, so that it can be told as often as is handy. */
export class MovingLine {
  readonly #host: Host;
  readonly #screen: Screen;
  readonly #hint: () => string;
  readonly #rates = new RateWindow();
  readonly #stopTicking: Undo;
  #moving: Moving | undefined;

  /** `hint` says what Ctrl-C would do now. */
  constructor({ host, screen, hint }: { readonly host: Host; readonly screen: Screen; readonly hint: () => string }) {
    this.#host = host;
    this.#screen = screen;
    this.#hint = hint;
    this.#stopTicking = screen.live
      ? host.every(REDRAW_EVERY_MS, () => this.draw())
      : host.every(REPORT_EVERY_MS, () => this.#report());
  }

  busy(busy: Busy): void {
    const before = this.#moving;
    const goesOn = before?.kind === 'busy' && before.busy.what === busy.what;
    this.#moving = { kind: 'busy', busy, sinceMs: goesOn ? before.sinceMs : this.#host.now() };
    if (!goesOn) this.draw();
  }

  progress(progress: RunProgress): void {
    const goesOn = this.#moving?.kind === 'progress';
    this.#moving = { kind: 'progress', progress };
    if (!goesOn) this.draw();
  }

  /** Shows the latest now. */
  draw(): void {
    if (this.#moving === undefined) return;
    this.#screen.draw(this.#moving.kind === 'busy' ? this.#busyText(this.#moving) : this.#barText(this.#moving.progress));
  }

  /** Nothing moves any more, for now. */
  clear(): void {
    this.#moving = undefined;
    this.#screen.clear();
  }

  /** Nothing will move any more. */
  close(): void {
    this.#stopTicking();
    this.clear();
  }

  #busyText({ busy, sinceMs }: { readonly busy: Busy; readonly sinceMs: number }): string {
    return drawBusy(busy, this.#host.now() - sinceMs);
  }

  #barText(progress: RunProgress): string {
    const rates = this.#rates.measure(progress, this.#host.now());
    return drawBar({ progress, rates, hint: this.#hint() }, this.#screen.columns, this.#screen.colors);
  }

  #report(): void {
    if (this.#moving === undefined) return;
    const report =
      this.#moving.kind === 'busy' ? { event: 'busy', ...this.#moving.busy } : this.#progressReport(this.#moving.progress);
    this.#screen.line(JSON.stringify(report));
  }

  #progressReport(progress: RunProgress) {
    const { rowsPerSecond, tokensPerSecond, etaMs } = this.#rates.measure(progress, this.#host.now());
    return {
      event: 'progress',
      ...progress,
      rowsPerSecond: Number(rowsPerSecond.toFixed(2)),
      tokensPerSecond: Number(tokensPerSecond.toFixed(1)),
      etaSeconds: etaMs === undefined ? null : Math.round(etaMs / 1_000),
    };
  }
}
