-- What of stock is forgotten is found by its age: of a million sales, each trim read them all while every other write waited.
CREATE INDEX stock_reservation_seen ON stock_reservation (accepted_us) WHERE seen >= quantity;
CREATE INDEX stock_sale_by_version ON stock_sale (version);
CREATE INDEX stock_stopped_of_sales ON stock_stopped (since_us) WHERE place LIKE 'order %';
