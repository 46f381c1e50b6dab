/** Where the program begins. Loads nothing that `--help` doesn't need. */
import type { Roof } from './cli/doors.ts';
import { makeHost } from './cli/host.ts';
import { runProgram } from './cli/program.ts';

const roof: Roof = {
  async versions() {
    const { versions } = await import('./versions.ts');
    return versions();
  },
  async doors() {
    return {
      run: async (...given) => (await import('./run.ts')).run(...given),
      estimate: async (...given) => (await import('./run.ts')).estimate(...given),
      up: async (...given) => (await import('./server.ts')).up(...given),
      serve: async (...given) => (await import('./fleet.ts')).serve(...given),
      work: async (...given) => (await import('./fleet.ts')).work(...given),
      config: async (...given) => (await import('./show-settings.ts')).showSettings(...given),
      examine: async (...given) => (await import('./examine.ts')).examine(...given),
      exportTo: async (...given) => (await import('./moving.ts')).exportTo(...given),
      importFrom: async (...given) => (await import('./moving.ts')).importFrom(...given),
      migrate: async (...given) => (await import('./fleet.ts')).migrate(...given),
    };
  },
};

process.exitCode = await runProgram(makeHost(process), roof);
