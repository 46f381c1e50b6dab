/** In CI the properties are tried on the same examples each time, so that what fails there is the change's; elsewhere on new ones. */
import fc from 'fast-check';

if (process.env['CI'] !== undefined) fc.configureGlobal({ seed: 20_261_122 });
