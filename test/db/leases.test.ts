import { testLeases } from '../conformance/leases.ts';
import { describeOnBoth } from './databases.ts';

describeOnBoth('leases', testLeases);
