/** What `boatload config` does: asks the roof, and writes lines that a config file may hold. */
import type { CommandContext } from './command.ts';
import type { ConfigRequest, SettingFacts } from './doors.ts';
import { EXIT } from './exit.ts';

/** Resolves with the exit code; throws what the door throws. */
export async function printConfig(
  { json, ...request }: ConfigRequest & { readonly json?: true },
  { host, roof }: CommandContext,
): Promise<number> {
  const settings = await (await roof.doors()).config(request);
  if (json === true) {
    host.stdout.write(`${JSON.stringify(settings)}\n`);
    return EXIT.ok;
  }
  const width = Math.max(...settings.map((setting) => toLine(setting).length));
  for (const setting of settings) {
    const from = setting.from === 'default' ? setting.name : setting.from;
    host.stdout.write(`${toLine(setting).padEnd(width)}  # ${from}\n`);
  }
  return EXIT.ok;
}

/** What holds by default is a comment. */
function toLine({ key, value, from, fallback, secret }: SettingFacts): string {
  if (from === 'default') return `# ${key}: ${fallback}`;
  if (secret) return `# ${key}: (hidden)`;
  return `${key}: ${value !== null && /^\d+$/.test(value) ? value : JSON.stringify(value)}`;
}
