/** `npm run failover [-- arguments]`: set-up, an incremental build, then the failover trial in this very process. */
import { launch } from './launch.mjs';

await launch('libs/testing/dist/failover/main.js');
