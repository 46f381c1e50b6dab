/** Before the first system test: of files that run side by side each would build and install the program in the other's way. */
import { installProgram } from './installed.ts';

export const setup = async (): Promise<void> => {
  await installProgram();
};
