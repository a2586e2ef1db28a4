import { bucketKey, SETTINGS_KEY } from '@switchboard/contracts';
import { publicationSteps } from './publication-order';

const put = (key: string) => ({ key, isPut: true });
const deletion = (key: string) => ({ key, isPut: false });

test('what others name is put before them and deleted after them; the settings come last', () => {
  const [model, provider] = [bucketKey.model('m'), bucketKey.provider('p')];
  const [key, tenant] = [bucketKey.key('0f'), bucketKey.tenant('acme')];
  const names = [put(SETTINGS_KEY), ...[provider, tenant, model, key].map(deletion), ...[model, key].map(put)];
  const steps = publicationSteps([...names, put(provider), put(tenant)], ({ isPut }) => isPut);
  expect(steps).toEqual([
    [provider, tenant].map(put),
    [model, key].map(put),
    [model, key].map(deletion),
    [provider, tenant].map(deletion),
    [put(SETTINGS_KEY)],
  ]);
});
