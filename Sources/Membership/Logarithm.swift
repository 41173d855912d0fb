/// Logarithms without a mathematics library, equal on every machine.
enum Logarithm {
    /// The binary logarithm, exact at powers of two and linear between them (at most 0.09 too low).
    /// The protocol uses logarithms only to scale counts and timeouts, where that is plenty.
    static func base2(_ value: Double) -> Double {
        precondition(value >= 1, "the logarithm of a count")
        return Double(value.exponent) + (value.significand - 1)
    }

    /// The decimal logarithm, with the same error.
    static func base10(_ value: Double) -> Double { base2(value) / 3.321_928_094_887_362 }
}
