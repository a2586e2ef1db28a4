import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { guardedLookup, refusalOfLiteral } from '@switchboard/platform';

const TIMEOUT_MS = 2_000;

export interface HttpProbeOptions {
  url: URL;
  /** It may be in a private network. */
  trustedNetwork: boolean;
  /** On this machine too. */
  allowLoopback: boolean;
}

/**
 * Asks once, without a credential, over a connection of its own and following no redirect. Whatever answers is alive, but
 * for one that says it cannot serve.
 *
 * @throws Error, in words for an operator, where it is not; the reason of `signal` when that aborts.
 */
export async function httpProbe(options: HttpProbeOptions, signal: AbortSignal): Promise<void> {
  const refusal = refusalOfLiteral(options.url.hostname, options);
  if (refusal !== undefined) throw refusal;
  const late = AbortSignal.timeout(TIMEOUT_MS);
  let status: number;
  try {
    status = await statusOf(options, AbortSignal.any([signal, late]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.aborted) throw new Error(`no answer within ${TIMEOUT_MS / 1000} s`, { cause: error });
    throw error;
  }
  if (status >= 500) throw new Error(`it answered ${status}`);
}

function statusOf({ url, ...rule }: HttpProbeOptions, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    send(url, { agent: false, lookup: guardedLookup(rule), signal }, (response) => {
      resolve(response.statusCode ?? 0);
      // What it says is not read; the connection goes with it.
      response.on('error', () => undefined).destroy();
    })
      .on('error', reject)
      .end();
  });
}
