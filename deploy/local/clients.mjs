/** `npm run clients [-- arguments]`: set-up, an incremental build, then real clients against the gateway, in this very process. */
import { launch } from './launch.mjs';

await launch('libs/testing/dist/clients/main.js');
