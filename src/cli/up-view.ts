/** What a server looks like while it starts: one line per part, then the addresses. */
import type { UpFacts, UpView } from './doors.ts';
import { formatSeconds } from './figures.ts';
import type { Host, Undo } from './host.ts';
import { listenForKey } from './keys.ts';
import type { Screen } from './screen.ts';
import { shortPath } from './short-path.ts';

export interface UpViewOptions {
  readonly host: Host;
  readonly screen: Screen;
  /** For a program: one line on stdout, and on stderr only what is worth a notice. */
  readonly json: boolean;
  /** Stops the server, like Ctrl-C. */
  press(): void;
}

const PART_WIDTH = 9;
const LABEL_WIDTH = 10;

/** Lives from the start of a server to its end; whoever made it closes it. */
export class ScreenUpView implements UpView {
  readonly #options: UpViewOptions;
  #forgetKeys: Undo = () => {};
  #isClosed = false;

  constructor(options: UpViewOptions) {
    this.#options = options;
  }

  opened({ version }: { readonly version: string }): void {
    this.#line(`boatload ${version}`);
  }

  creating(dataDir: string): void {
    this.#line(`Creating ${shortPath(dataDir, this.#options.host)}`);
  }

  started(part: string, how: string): void {
    this.#line(`${this.#options.screen.colors.green('✓')} ${part.padEnd(PART_WIDTH)} ${how}`);
  }

  notice(message: string): void {
    this.#options.screen.line(`${this.#options.screen.colors.yellow('!')} ${message}`);
  }

  ready(facts: UpFacts): void {
    const { host, json } = this.#options;
    if (json) host.stdout.write(`${JSON.stringify({ url: facts.url, account: facts.account, apiKey: facts.apiKey })}\n`);
    for (const line of this.#readyLines(facts)) this.#line(line);
    void this.#offerKeys();
  }

  /** The first Ctrl-C. */
  stopping(): void {
    this.#line('stopping…  (Ctrl-C again stops at once)');
  }

  /** Gives the terminal's keys back. */
  close(): void {
    this.#isClosed = true;
    this.#forgetKeys();
  }

  #line(text: string): void {
    if (!this.#options.json) this.#options.screen.line(text);
  }

  #readyLines({ ms, addresses, apiKey, apiKeyIsNew, apiKeyFile, tryNext }: UpFacts): readonly string[] {
    const saved = apiKeyFile === null ? '' : `saved to ${shortPath(apiKeyFile, this.#options.host)}`;
    const key = apiKey !== null && apiKeyIsNew ? `${apiKey}  (${['shown once', saved].filter(Boolean).join(', ')})` : saved;
    return [
      `ready in ${formatSeconds(ms)}`,
      ...addresses.map(({ name, url }) => labelled(name, this.#options.screen.colors.cyan(url))),
      ...(key === '' ? [] : [labelled('API key', key)]),
      ...(tryNext === undefined ? [] : [labelled('Try:', tryNext)]),
    ];
  }

  /** `q` stops, where somebody sits at the keyboard. */
  async #offerKeys(): Promise<void> {
    const { host, screen, json, press } = this.#options;
    if (json || !screen.live || host.stdin.isTTY !== true || !(await host.isForeground()) || this.#isClosed) return;
    this.#forgetKeys = listenForKey(host, 'q', press);
    this.#line(screen.colors.dim('press q to stop'));
  }
}

const labelled = (label: string, text: string): string => `  ${label.padEnd(LABEL_WIDTH)}  ${text}`;
