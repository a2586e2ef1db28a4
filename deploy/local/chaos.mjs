/** `npm run chaos [-- arguments]`: set-up, an incremental build, then the chaos run in this very process. */
import { launch } from './launch.mjs';

await launch('libs/testing/dist/chaos/main.js');
