import { latestMigration } from './migrations/migrate.ts';

/** The name of the newest migration that this version knows. */
export const SCHEMA_VERSION: string = latestMigration();
