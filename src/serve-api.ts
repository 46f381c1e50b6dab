/** The HTTP API of a machine room, from listening until it is told to stop. */
import type { ApiContext } from './api/api-context.ts';
import { makeApp } from './api/app.ts';
import type { Log } from './base/log.ts';
import { openHealthPort, watchMachine } from './health-port.ts';
import { close, listen } from './listen.ts';
import type { Machine } from './machine.ts';
import { readPrices } from './settings/read-prices.ts';
import { readText } from './settings/settings.ts';
import { ModelPuller } from './shelf/model-puller.ts';
import type { Start } from './start-settings.ts';
import { readVersion } from './versions.ts';

export interface ServeOptions {
  readonly start: Pick<Start, 'host' | 'port' | 'healthPort' | 'settings'>;
  /** On local disk, this process's own. */
  readonly dataDir: string;
  readonly log: Log;
  readonly stop: AbortSignal;
  /** What callers call it by, where that is not where it listens. */
  readonly publicUrl?: string | undefined;
  /** Where workers without a database are let in. */
  readonly workers?: ApiContext['workers'];
  /** Told the address when it answers; it goes on when this resolves. */
  readonly onReady: (url: string) => Promise<void>;
}

/** Resolves when it is down again. */
export async function serveApi(
  machine: Machine,
  { start, dataDir, log, stop, publicUrl, workers, onReady }: ServeOptions,
): Promise<void> {
  const address = { url: '' };
  const prices = await readPrices(start.settings);
  const puller = openPuller(machine, { settings: start.settings, dataDir, log });
  const app = makeApp({
    ...machine.context,
    puller,
    serve: (model) => machine.models.serve(model),
    engines: machine.engines,
    log,
    links: { secret: machine.secret, baseUrl: () => address.url },
    build: { version: readVersion(), node: process.versions.node },
    ...(prices && { prices }),
    ...(workers && { workers }),
  });
  const { host, port: wished } = start;
  const { server, port } = await listen({ fetch: app.fetch, host, port: wished });
  address.url = publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const closeHealth = await openHealthPort(watchMachine(machine), { host, port: start.healthPort, log });
  try {
    await puller.resume();
    await onReady(address.url);
    await untilAborted(stop);
  } finally {
    await closeHealth();
    await puller.stop();
    await close(server);
  }
}

const openPuller = (
  { context }: Machine,
  { settings, ...options }: Pick<ServeOptions, 'dataDir' | 'log'> & Pick<Start, 'settings'>,
): ModelPuller =>
  new ModelPuller({
    ...options,
    context,
    hubUrl: readText(settings, 'BOATLOAD_HUB_URL') ?? 'https://huggingface.co',
    hubToken: readText(settings, 'BOATLOAD_HUB_TOKEN'),
  });

/** Resolves when the signal is aborted. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
