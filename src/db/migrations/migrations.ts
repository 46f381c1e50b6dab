/** The migrations in the order of their names. Text alone: what asks for the newest one's name, as `--version` does, loads no database. */
import { GROUND } from './0001-ground.ts';
import { PEOPLE_AND_MODELS } from './0002-people-and-models.ts';
import { PAUSES_AND_UPLOADS } from './0003-pauses-and-uploads.ts';
import { BATCHES } from './0004-batches.ts';
import { FILES } from './0005-files.ts';
import { WEBHOOKS } from './0006-webhooks.ts';
import { ROW_MODELS } from './0007-row-models.ts';
import { READING_ORDER } from './0008-reading-order.ts';
import { OWN_SCHEMA } from './0009-own-schema.ts';
import { TURNS } from './0010-turns.ts';
import { ENGINES } from './0011-engines.ts';
import { MODEL_LIBRARY } from './0012-model-library.ts';
import { FORECASTS } from './0013-forecasts.ts';

export const MIGRATIONS: Readonly<Record<string, readonly string[]>> = {
  '0001-ground': GROUND,
  '0002-people-and-models': PEOPLE_AND_MODELS,
  '0003-pauses-and-uploads': PAUSES_AND_UPLOADS,
  '0004-batches': BATCHES,
  '0005-files': FILES,
  '0006-webhooks': WEBHOOKS,
  '0007-row-models': ROW_MODELS,
  '0008-reading-order': READING_ORDER,
  '0009-own-schema': OWN_SCHEMA,
  '0010-turns': TURNS,
  '0011-engines': ENGINES,
  '0012-model-library': MODEL_LIBRARY,
  '0013-forecasts': FORECASTS,
};
