/** A small published language for tests. */
import { IsInt, IsNotEmpty, IsString } from 'class-validator';
import { IntegrationCommand, IntegrationEvent } from '../src/index.js';

export class ParcelData {
  @IsString()
  @IsNotEmpty()
  parcelId!: string;

  @IsInt()
  step!: number;
}

const options = {
  subject: ({ parcelId }: ParcelData) => parcelId,
  example: { parcelId: 'p-1', step: 1 },
};

export class ParcelTaken extends IntegrationEvent('depot.parcel-taken.v1', ParcelData, options) {}
export class ParcelMoved extends IntegrationEvent('depot.parcel-moved.v1', ParcelData, options) {}
export class BillSent extends IntegrationEvent('billing.bill-sent.v1', ParcelData, options) {}
export class MoveParcel extends IntegrationCommand('depot.move-parcel.v1', ParcelData, options) {}
