import { IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator';

/** Where a shipment goes. */
export class Address {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  name!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  street!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(20)
  postcode!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  city!: string;

  /** ISO 3166-1 alpha-2. */
  @Matches(/^[A-Z]{2}$/, { message: 'country must be an ISO 3166-1 code of two capital letters' })
  country!: string;
}
