/** What other contexts may ask of inventory. */
import * as contracts from '@annals/contracts';
import { consume } from '@annals/messaging';
import { ReleaseStock, ReserveStock } from '../../domain/reservation/reservation.commands.js';

export const onReserveStock = consume(contracts.ReserveStock, ({ data }) => new ReserveStock(data));

export const onReleaseStock = consume(contracts.ReleaseStock, ({ data: { orderId } }) => new ReleaseStock({ orderId }));
