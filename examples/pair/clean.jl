# The port of clean.py.

module Cleaning

using DataFrames, Statistics

function clean(orders)
    kept = dropmissing(orders, :customer)
    kept.customer = lowercase.(strip.(kept.customer))
    amounts = collect(skipmissing(kept.amount))
    isempty(amounts) || (kept.amount = coalesce.(kept.amount, median(amounts)))
    return sort(kept, [:customer, :amount])
end

end
