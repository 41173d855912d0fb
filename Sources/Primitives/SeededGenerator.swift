/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
/// The only source of chance in the cores: a run is a function of its seed.
@usableFromInline package struct SeededGenerator: RandomNumberGenerator, Sendable, Hashable {
    @usableFromInline package var state: UInt64

    @inlinable package init(seed: UInt64) { state = seed }

    @inlinable package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finaliser alone: a good 64-bit mix of `value`, the same in every process.
    @inlinable package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A generator for a purpose of its own, so that more draws in one place do not shift another.
    @inlinable package mutating func split() -> SeededGenerator { SeededGenerator(seed: next()) }

    /// Uniform in 0 ..< bound; bound must be positive.
    @inlinable package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "below(\(bound))")
        return Int(next(upperBound: UInt64(bound)))
    }

    /// Uniform in [0, 1), with 53 random bits.
    @inlinable package mutating func unit() -> Double { Double(next() >> 11) * 0x1.0p-53 }

    /// A span drawn uniformly from `range`, in nanoseconds.
    @inlinable package mutating func duration(in range: ClosedRange<Duration>) -> Duration {
        let low = range.lowerBound.inNanoseconds
        let width = UInt64(range.upperBound.inNanoseconds - low)
        return .nanoseconds(low + Int64(width == .max ? next() : next(upperBound: width + 1)))
    }
}
