package import Primitives

/// A node's place in a space whose distances predict round trips: Vivaldi (Dabek, Cox, Kaashoek,
/// Morris, SIGCOMM 2004) with height vectors (§5.4), stabilised after Ledlie, Gardner and Seltzer
/// ("Network Coordinates in the Wild", NSDI 2007).
///
/// Four dimensions and a height: on a public table of 21 regions' round trips, after 400 samples a
/// node, the median and p90 of the relative error were 9.7 % and 30 % in two dimensions, 9.3 % and 28 %
/// in four, 9.7 % and 27 % in eight, which take twice the bytes; on eight far regions four were best.
/// What remains is the Internet's disobedience to the triangle inequality, and no dimension cures it:
/// coordinates only rank peers that nobody has measured.
///
/// Ledlie's remedies as used here: each sample is first filtered (the median of the link's last five,
/// by the caller), and each update adds gravity towards the origin, so that the whole cloud cannot
/// drift: `(|x| / 500 ms)²` milliseconds. And as he found, a millisecond missed on a link of one millisecond would
/// ruin a node's confidence: errors are taken relative to 20 ms at least. His filter for users of a coordinate (report only what has
/// moved) is left out: nothing here acts on small movements.
///
/// Determinism: doubles exist only between wire and wire, are added in a fixed order, and need nothing
/// but the four operations and the square root, all exactly rounded by IEEE 754. On the wire a
/// coordinate is whole microseconds.
package struct NetworkCoordinate: Hashable, Sendable, XDRCodable {
    package static let dimensions = 4
    /// Vivaldi's c_c and c_e: the share of the error corrected, and learned, by one sample.
    static let correction = 0.25
    static let learning = 0.25
    static let nearby = 20.0
    static let gravityReach = 500.0
    static let heightMinimum = 0.1
    static let errorMaximum = 1.5
    /// Farther than this from the origin, in milliseconds, is nowhere on Earth; decoders refuse it.
    static let reach = 60_000.0

    /// In milliseconds.
    var position = SIMD4<Double>(repeating: 0)
    /// Milliseconds from the node to the core of the network: its access link.
    package private(set) var height = NetworkCoordinate.heightMinimum
    /// The relative error that the node expects of its predictions; begins at 1.5.
    package private(set) var error = NetworkCoordinate.errorMaximum

    package init() {}

    /// The predicted round trip in milliseconds.
    package func distance(to other: NetworkCoordinate) -> Double {
        Self.length(position - other.position) + height + other.height
    }

    /// The predicted round trip.
    package func roundTrip(to other: NetworkCoordinate) -> Duration {
        .microseconds(Int64(distance(to: other) * 1_000))
    }

    /// Moves by one measured round trip to a node at `other`; a sample that cannot be one is ignored.
    package mutating func update(milliseconds sample: Double, to other: NetworkCoordinate, using generator: inout SeededGenerator) {
        guard sample > 0, sample < 10_000 else { return }
        let predicted = distance(to: other)
        let weight = error / (error + other.error)
        let relative = abs(predicted - sample) / max(sample, Self.nearby)
        error = min(Self.errorMaximum, relative * Self.learning * weight + error * (1 - Self.learning * weight))
        let force = Self.correction * weight * (sample - predicted)
        let apart = position - other.position
        let gap = Self.length(apart)
        if gap > 0.001 {
            height = max(Self.heightMinimum, height + force * (height + other.height) / predicted)
            position += apart * (force / gap)
        } else {
            position += Self.direction(using: &generator) * force
        }
        pullToOrigin()
        if !(Self.length(position) < Self.reach / 2) || height > Self.reach / 2 { self = NetworkCoordinate() }
    }

    private mutating func pullToOrigin() {
        let far = Self.length(position)
        guard far > 0 else { return }
        let ratio = far / Self.gravityReach
        position *= 1 - min(1, ratio * ratio / far)
    }

    /// The Euclidean length, summed in the order of the dimensions.
    static func length(_ vector: SIMD4<Double>) -> Double {
        let squares = vector * vector
        return (((squares[0] + squares[1]) + squares[2]) + squares[3]).squareRoot()
    }

    /// A random unit vector: two nodes that sit on one point must be able to part.
    static func direction(using generator: inout SeededGenerator) -> SIMD4<Double> {
        var vector = SIMD4<Double>(repeating: 0)
        for index in 0..<dimensions { vector[index] = generator.unit() - 0.5 }
        let size = length(vector)
        return size > 0.001 ? vector / size : SIMD4(1, 0, 0, 0)
    }

    /// The coordinate as the wire carries it: what is told is the same whether or not it was encoded on its way.
    var quantised: NetworkCoordinate {
        var copy = self
        for index in 0..<Self.dimensions { copy.position[index] = Double(Self.whole(position[index], 1_000)) / 1_000 }
        copy.height = Double(Self.whole(height, 1_000)) / 1_000
        copy.error = Double(Self.whole(error, 1_000_000)) / 1_000_000
        return copy
    }

    private static func whole(_ value: Double, _ scale: Double) -> Int32 {
        Int32((value * scale).rounded(.toNearestOrEven))
    }

    package func encode(to writer: inout XDRWriter) {
        for index in 0..<Self.dimensions { writer.write(UInt32(bitPattern: Self.whole(position[index], 1_000))) }
        writer.write(UInt32(bitPattern: Self.whole(height, 1_000)))
        writer.write(UInt32(bitPattern: Self.whole(error, 1_000_000)))
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        for index in 0..<Self.dimensions {
            let micros = Int32(bitPattern: try reader.uint32())
            position[index] = Double(micros) / 1_000
        }
        let height = Double(try reader.uint32()) / 1_000
        let error = Double(try reader.uint32()) / 1_000_000
        guard Self.length(position) <= Self.reach, height <= Self.reach, height >= Self.heightMinimum else {
            throw .badValue(what: "network coordinate in height", value: UInt64(height * 1_000))
        }
        guard error <= Self.errorMaximum else { throw .badValue(what: "coordinate error", value: UInt64(error * 1_000_000)) }
        self.height = height
        self.error = error
    }
}
