/// The last round trips to one peer: 32 samples, in microseconds, kept in the order of arrival.
struct RoundTripWindow: Hashable, Sendable {
    static let capacity = 32
    /// The filter before Vivaldi: the median of the last five, so that one delayed packet moves nothing.
    static let filtered = 5

    private(set) var recent: [UInt32] = []
    /// The same samples in order of size.
    private(set) var sorted: [UInt32] = []
    /// All samples ever taken.
    private(set) var total: UInt64 = 0

    var isEmpty: Bool { sorted.isEmpty }

    mutating func add(_ micros: UInt32) {
        if recent.count == Self.capacity {
            let oldest = recent.removeFirst()
            sorted.remove(at: position(of: oldest))
        }
        recent.append(micros)
        sorted.insert(micros, at: position(of: micros))
        total += 1
    }

    private func position(of value: UInt32) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The sample that `percent` of the samples do not exceed. The window must not be empty.
    func quantile(_ percent: Int) -> UInt32 {
        precondition(!sorted.isEmpty, "a quantile of no samples")
        let rank = (sorted.count * percent + 99) / 100
        return sorted[max(0, rank - 1)]
    }

    /// The lower median of the last five samples.
    var smoothed: UInt32 {
        let few = recent.suffix(Self.filtered).sorted()
        precondition(!few.isEmpty, "a median of no samples")
        return few[(few.count - 1) / 2]
    }

    var summary: RoundTripSummary? {
        guard let least = sorted.first else { return nil }
        return RoundTripSummary(
            median: .microseconds(Int64(quantile(50))), minimum: .microseconds(Int64(least)),
            p99: .microseconds(Int64(quantile(99))), samples: total)
    }
}

/// What was measured to one peer: over its last 32 samples, and how many there were in all.
package struct RoundTripSummary: Hashable, Sendable {
    package let median: Duration
    package let minimum: Duration
    package let p99: Duration
    package let samples: UInt64
}
