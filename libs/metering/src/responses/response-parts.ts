import type {
  FoundResponsePartV1,
  ResponseDeleteRequestV1,
  ResponsePartRequestV1,
  ResponsePartV1,
} from '@switchboard/contracts';

/** Where sealed responses are, in parts: the database itself, or metering over the bus. All of it fails as that does. */
export interface ResponseParts {
  /** Resolves when it is safe. Again, with the same content, is harmless. */
  append(part: ResponsePartV1): Promise<void>;
  /** Undefined: there is none of which all parts have come. */
  find(request: ResponsePartRequestV1): Promise<FoundResponsePartV1 | undefined>;
  /** False: there is none. */
  remove(request: ResponseDeleteRequestV1): Promise<boolean>;
}
