import { reservationsConformance } from '../reservations.conformance';
import { InMemoryReservations } from './in-memory-reservations';

reservationsConformance((settings) => new InMemoryReservations(settings));
