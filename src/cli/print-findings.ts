/** What `boatload doctor` does: asks the roof, and writes what was found, one line each. */
import picocolors from 'picocolors';
import type { CommandContext } from './command.ts';
import type { Finding } from './doors.ts';
import { EXIT } from './exit.ts';
import { type Colors, wantsColor } from './screen.ts';
import { toUpRequest, type UpFlags } from './start-up.ts';

/** Resolves with the exit code; throws what the door throws. */
export async function printFindings(flags: UpFlags, { host, roof }: CommandContext): Promise<number> {
  const findings = await (await roof.doors()).examine(toUpRequest(flags));
  const faults = findings.filter(({ level }) => level === 'fault').length;
  if (flags.json === true) host.stdout.write(`${JSON.stringify({ ok: faults === 0, findings })}\n`);
  else {
    const colors = picocolors.createColors(wantsColor(host.env, host.stdout));
    for (const line of toLines(findings, colors)) host.stdout.write(`${line}\n`);
  }
  return faults === 0 ? EXIT.ok : EXIT.failure;
}

function toLines(findings: readonly Finding[], colors: Colors): readonly string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const marks = { ok: colors.green('✓'), warning: colors.yellow('!'), fault: colors.red('✗') };
  const lines = findings.flatMap(({ check, level, code, message, remedy }) => {
    const said = `${marks[level]} ${check.padEnd(width)}  ${message}${level === 'ok' ? '' : ` ${colors.dim(`[${code}]`)}`}`;
    return remedy === null ? [said] : [said, `  ${' '.repeat(width)}  ${remedy}`];
  });
  return [...lines, summary(findings)];
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Finding['level'], word: string): string[] => {
    const number = findings.filter(({ level }) => level === wanted).length;
    return number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`];
  };
  const counts = [...count('fault', 'fault'), ...count('warning', 'warning')];
  return counts.length === 0 ? 'Nothing is wrong.' : `${counts.join(', ')}.`;
}
