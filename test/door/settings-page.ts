/** `docs/settings.md`, written from the table of settings. After a change of the table: `npx vitest run --project real test/door/server-settings.test.ts -u`. */
import { SETTING_GROUPS, type Setting, toKey } from '../../src/settings/settings-table.ts';

const TOP = `# Settings

Flags come first, then the environment, then the config file, then the default. A setting that makes no sense stops the start and says why. \`boatload config\` shows what is in force, and who
said so.

The config file is YAML with a key on each line, named by \`--config FILE\` or \`BOATLOAD_CONFIG\`:

\`\`\`yaml
# /etc/boatload.yaml
engines:
  - http://gpu-1:8000/v1
  - http://gpu-2:8000/v1
maxDatasetBytes: 2000000000
databaseUrlFile: /run/secrets/database-url
\`\`\`

A secret may be in a file of its own: \`DATABASE_URL_FILE\` and \`BOATLOAD_SECRET_FILE\` name it, in the config file \`databaseUrlFile\` and \`secretFile\`.
`;

const BOTTOM = `## Commands that talk to a server

They read no config file, but \`~/.fireworks/auth.ini\`. The same names with \`FIREWORKS_\` in front are read, too, and count less.

| Variable | Meaning | Default |
|---|---|---|
| \`BOATLOAD_BASE_URL\` | Where the server is; also \`BOATLOAD_API_BASE\` | the server of this machine |
| \`BOATLOAD_API_KEY\` | Key | that of this machine's server |
| \`BOATLOAD_ACCOUNT_ID\` | Account | that of the key |
| \`BOATLOAD_ENGINE_KEY\` | Key that \`--engine\` wants, for \`run\` | none |
| \`BOATLOAD_DEBUG\` | 1: errors say where in the program they happened | 0 |
`;

/** The whole page. */
export const settingsPage = (): string =>
  [TOP, ...Object.entries(SETTING_GROUPS).map(([title, settings]) => toSection(title, settings)), BOTTOM].join('\n');

const toSection = (title: string, settings: Readonly<Record<string, Setting>>): string => `## ${title}

| Variable | In the file | Meaning | Default | Unit |
|---|---|---|---|---|
${Object.entries(settings).map(toRow).join('\n')}
`;

const toRow = ([name, { meaning, fallback, unit }]: [string, Setting]): string =>
  `| \`${name}\` | \`${toKey(name)}\` | ${meaning} | ${fallback.toLocaleString('en-US')} | ${unit} |`;
