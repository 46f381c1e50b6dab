/** The command line in a process of its own, over doors that only wait: what `process.test.ts` starts. */
import { makeHost } from '../../src/cli/host.ts';
import { runProgram } from '../../src/cli/program.ts';
import { makeRoof, makeSummary, makeUpFacts } from './fake-roof.ts';

/** Holds the process like a server or a running job does. */
const untilStopped = async (stop: AbortSignal): Promise<void> => {
  const held = setInterval(() => {}, 1_000);
  await new Promise((resolve) => stop.addEventListener('abort', resolve));
  clearInterval(held);
};

process.exitCode = await runProgram(
  makeHost(process),
  makeRoof({
    run: async ({ settings }, view, stop) => {
      view.opened({ version: '0.1.0', nodeVersion: process.versions.node, cores: 2, memoryBytes: 2 ** 34 });
      view.progress({
        total: 1_000,
        ok: 250,
        failed: 0,
        inputTokens: 0,
        outputTokens: 0,
        cachedTokens: 0,
        elapsedMs: 9_000,
        doneBefore: 0,
      });
      view.notice('running');
      if (settings.n !== 2) await untilStopped(stop);
      // A door that hangs while it saves.
      else await new Promise((resolve) => setTimeout(resolve, 600_000));
      return makeSummary({ outcome: 'STOPPED', ok: 250, unfinished: 750 });
    },
    up: async (_request, view, stop) => {
      view.opened({ version: '0.1.0' });
      view.ready(makeUpFacts());
      await untilStopped(stop);
    },
  }),
);
