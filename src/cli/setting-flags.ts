/** Flags for the settings of rows that don't bring their own, and the message that they make. */
import type { Command } from 'commander';
import type { NewJob } from '../client/jobs.ts';
import type { JobSettings } from '../jobs/job.ts';
import { jsonObject, numberBetween, someText, wholeNumberBetween } from './flags.ts';

/** Adds them; the ranges are those of the chat completions API. */
export function addSettingFlags(command: Command): void {
  command
    .optionsGroup("Settings for rows that don't bring their own:")
    .option('--max-tokens <n>', 'most tokens of an answer', wholeNumberBetween(1, 2_147_483_647))
    .option('--temperature <t>', '0 to 2', numberBetween(0, 2))
    .option('--top-p <p>', '0 to 1', numberBetween(0, 1))
    .option('--top-k <k>', '0 to 100', wholeNumberBetween(0, 100))
    .option('--n <n>', 'answers per row, 1 to 128', wholeNumberBetween(1, 128))
    .option('--extra-body <json>', 'any further request fields, as a JSON object', jsonObject)
    .option('--system-prompt <text>', "for rows that don't begin with a system message", someText)
    .optionsGroup('Rows that ask the same:')
    .option('--ask-identical-rows-once', 'ask one of them, for all; the others cost no tokens');
}

/** As the wire says it; nothing when nothing was set. */
export function toJobSettings(flags: JobSettings): Pick<NewJob, 'inferenceParameters' | 'systemPrompt' | 'askIdenticalRowsOnce'> {
  const { maxTokens, temperature, topP, topK, n, extraBody, systemPrompt, askIdenticalRowsOnce } = flags;
  const given = Object.entries({
    maxTokens,
    temperature,
    topP,
    topK,
    n,
    extraBody: extraBody && JSON.stringify(extraBody),
  }).filter(([, value]) => value !== undefined);
  return {
    ...(given.length > 0 && { inferenceParameters: Object.fromEntries(given) }),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(askIdenticalRowsOnce && { askIdenticalRowsOnce }),
  };
}
