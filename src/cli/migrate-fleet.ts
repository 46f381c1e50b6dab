/** What `boatload migrate` does: asks the roof and says what came of it. */
import type { CommandContext } from './command.ts';
import type { MigrateRequest } from './doors.ts';
import { EXIT } from './exit.ts';
import { openScreen } from './screen.ts';

interface MigrateFlags extends MigrateRequest {
  readonly json?: true;
}

/** Resolves with the exit code; throws what the door throws. */
export async function migrateFleet({ json, ...request }: MigrateFlags, { host, roof }: CommandContext): Promise<number> {
  const facts = await (await roof.doors()).migrate(request);
  if (json === true) {
    host.stdout.write(`${JSON.stringify(facts)}\n`);
    return EXIT.ok;
  }
  const screen = await openScreen(host);
  screen.line(`${screen.colors.green('✓')} the tables are at ${facts.schema}`);
  if (facts.apiKey === null) return EXIT.ok;
  screen.line(`${screen.colors.green('✓')} the key of accounts/${request.account}, shown once:`);
  host.stdout.write(`${facts.apiKey}\n`);
  return EXIT.ok;
}
