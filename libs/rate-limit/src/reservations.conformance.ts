import { reservation, settlement } from './__fixtures__/reservation';
import { type Reservations, type ReservationsSettings, SETTLED_TTL_MS } from './core/reservations';

const TTL_MS = 600_000;
const MINUTE_MS = 60_000;

/** What every store of reservations promises; each test has keys of its own. */
export function reservationsConformance(open: (settings: ReservationsSettings) => Reservations): void {
  let nowMs: number;
  let reservations: Reservations;
  let tests = 0;
  let key: string;

  beforeEach(() => {
    nowMs = Date.parse('2026-11-20T10:00:10Z');
    key = `key_${++tests}`;
    reservations = open({ ttlMs: TTL_MS, now: () => nowMs });
  });

  const reserve = (requestId: string, keyId = key) => reservations.reserve(reservation(`${key}-${requestId}`, keyId));
  const settle = (requestId: string, keyId = key) => reservations.settle(settlement(`${key}-${requestId}`, keyId));

  test('a key nobody knows has nothing open', async () => {
    expect(await reservations.state(key)).toEqual({ open: 0, requestsThisMinute: 0 });
  });

  test('a reservation is open until it is settled, and stays counted in its minute', async () => {
    expect(await reserve('a')).toBe('recorded');
    expect(await reserve('b')).toBe('recorded');
    expect(await reservations.state(key)).toEqual({ open: 2, requestsThisMinute: 2 });
    expect(await settle('a')).toBe('settled');
    expect(await reservations.state(key)).toEqual({ open: 1, requestsThisMinute: 2 });
  });

  test('the same request counts once, however often it is reserved or settled', async () => {
    await reserve('a');
    await reserve('b');
    expect(await reserve('a')).toBe('repeated');
    expect(await reservations.state(key)).toEqual({ open: 2, requestsThisMinute: 2 });
    await settle('a');
    expect(await settle('a')).toBe('unknown');
    expect(await reservations.state(key)).toEqual({ open: 1, requestsThisMinute: 2 });
  });

  test('a reservation that arrives after its settlement opens nothing', async () => {
    expect(await settle('late')).toBe('unknown');
    nowMs += SETTLED_TTL_MS - 1;
    expect(await reserve('late')).toBe('repeated');
    expect(await reservations.state(key)).toEqual({ open: 0, requestsThisMinute: 0 });
  });

  test('what nobody settles vanishes when its time is over', async () => {
    await reserve('a');
    nowMs += TTL_MS - 1;
    await reserve('b');
    expect((await reservations.state(key)).open).toBe(2);
    nowMs += 1;
    expect((await reservations.state(key)).open).toBe(1);
    await reserve('c');
    expect((await reservations.state(key)).open).toBe(2);
    expect(await settle('a')).toBe('unknown');
    expect(await settle('b')).toBe('settled');
  });

  test('requests are counted by the minute of UTC', async () => {
    await reserve('a');
    nowMs = Date.parse('2026-11-20T10:00:59.999Z');
    await reserve('b');
    expect((await reservations.state(key)).requestsThisMinute).toBe(2);
    nowMs += 1;
    expect((await reservations.state(key)).requestsThisMinute).toBe(0);
    await reserve('c');
    expect((await reservations.state(key)).requestsThisMinute).toBe(1);
    nowMs += MINUTE_MS;
    expect((await reservations.state(key)).requestsThisMinute).toBe(0);
  });

  test('keys do not touch each other', async () => {
    await reserve('a');
    await reserve('b', `${key}-other`);
    await settle('b', `${key}-other`);
    expect(await reservations.state(key)).toEqual({ open: 1, requestsThisMinute: 1 });
    expect(await reservations.state(`${key}-other`)).toEqual({ open: 0, requestsThisMinute: 1 });
  });

  test('many at once are counted one by one', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => reserve(String(index % 100))));
    expect(await reservations.state(key)).toEqual({ open: 100, requestsThisMinute: 100 });
    const settled = await Promise.all(Array.from({ length: 200 }, (_, index) => settle(String(index % 100))));
    expect(settled.filter((outcome) => outcome === 'settled')).toHaveLength(100);
    expect((await reservations.state(key)).open).toBe(0);
  });
}
