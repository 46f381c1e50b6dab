import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { engineConformance } from '../../conformance/engine.ts';
import { TICKETS_MODEL } from '../../support/models.ts';

engineConformance(async () => ({
  engine: await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 4, threads: 1 }),
  model: 'tickets',
}));
