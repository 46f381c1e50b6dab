/** `dataset`: its rows in the table of operations. */
import type { Dataset } from '../../contract/dataset.ts';
import { someText } from '../flags.ts';
import { DRY_RUN, OUTPUT, QUIET } from './common-flags.ts';
import { idOf } from './message.ts';
import type { Flag, Noun } from './operation.ts';
import { deleteRow, getRow, idArgument, type Kind, listRow, updateRow } from './standard.ts';
import { moment } from './values.ts';

const displayName: Flag = {
  flags: '--display-name <name>',
  about: 'label for people',
  parse: someText,
  field: 'dataset.displayName',
};

const flags: readonly Flag[] = [
  displayName,
  {
    flags: '--format <format>',
    about: 'what the rows are: CHAT, COMPLETION or RL',
    parse: someText,
    field: 'dataset.format',
  },
  {
    flags: '--source <dataset>',
    about: 'dataset to make it of',
    parse: someText,
    field: 'sourceDatasetId',
    completes: 'datasets',
  },
  { flags: '--filter <filter>', about: 'which rows of --source', parse: someText, field: 'filter' },
  {
    flags: '--external-url <url>',
    about: 'where the files are, when they stay there',
    parse: someText,
    field: 'dataset.externalUrl',
  },
  { flags: '--eval-protocol-output', about: 'its rows are the output of an evaluation' },
  { flags: '--start-time <date>', about: 'of traced rows: the first day, YYYY-MM-DD', parse: moment },
  { flags: '--end-time <date>', about: 'of traced rows: the last day, YYYY-MM-DD', parse: moment },
];

/** In a resource the fields stand one floor higher than in the request that makes it. */
const ofResource = (flag: Flag): Flag =>
  flag.field === undefined ? flag : { ...flag, field: flag.field.replace(/^dataset\./, '') };

const kind: Kind<Dataset> = {
  noun: 'dataset',
  words: 'dataset',
  collection: 'datasets',
  completes: 'datasets',
  flags: flags.map(ofResource),
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['CREATE TIME', ({ createTime }) => createTime],
    ['STATE', ({ state }) => state],
    ['EXAMPLES', ({ exampleCount }) => exampleCount],
    ['SOURCE JOB', ({ sourceJobName }) => idOf(sourceJobName)],
    ['DISPLAY NAME', (dataset) => dataset.displayName],
  ],
};

/** `firectl dataset …`. */
export const datasets: Noun = {
  name: 'dataset',
  plural: 'datasets',
  aliases: [],
  about: 'files of rows',
  operations: [
    {
      verb: 'create',
      summary: 'make a dataset and upload its file, or its folder of .jsonl files',
      args: [
        { name: '<id>', about: 'id of the dataset' },
        { name: '[path]', about: 'a JSONL file, or a folder of them', completes: 'files' },
      ],
      flags: [...flags, QUIET, OUTPUT, DRY_RUN],
      examples: ['dataset create my-prompts prompts.jsonl', 'dataset create my-prompts ./folder-of-jsonl-files --quiet'],
      run: async (call) => (await import('./run-datasets.ts')).createDataset(call, { kind, flags }),
    },
    getRow(kind),
    listRow(kind),
    updateRow(kind, [ofResource(displayName)]),
    deleteRow(kind),
    {
      verb: 'download',
      summary: 'download the files of a dataset; what was begun goes on',
      args: [idArgument(kind)],
      flags: [
        { flags: '--download-lineage', about: 'those of every dataset in its chain of continued jobs, too' },
        { flags: '--merge', about: 'the whole chain as one file: every row once, in input order' },
        { flags: '--output-dir <folder>', about: 'where to (default: .)', parse: someText, completes: 'files' },
        QUIET,
      ],
      examples: [
        'dataset download my-answers',
        'dataset download my-answers --download-lineage --output-dir ./answers',
        'dataset download my-answers --merge',
      ],
      run: async (call) => (await import('./run-datasets.ts')).downloadDataset(call),
    },
  ],
};
