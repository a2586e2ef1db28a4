import type { AudioPart } from '../../conversation';
import type { JsonValue } from '../../json';
import type { Findings } from './findings';
import { isAbsent } from './members';

const READ_OF_AUDIO: ReadonlySet<string> = new Set(['data', 'format']);

/** @param value of `input_audio` */
export function decodeAudio(value: JsonValue | undefined, path: string, findings: Findings): AudioPart | undefined {
  if (isAbsent(value)) findings.missing(path);
  const audio = findings.object(value, path);
  if (!audio) return undefined;
  findings.leaveRest(audio, READ_OF_AUDIO, path);
  return {
    type: 'audio',
    data: findings.required(audio, 'data', path),
    format: findings.required(audio, 'format', path),
  };
}
