import { quotaConformance } from '../quota.conformance';
import { InMemoryQuota } from './in-memory-quota';

quotaConformance((settings) => new InMemoryQuota(settings));
