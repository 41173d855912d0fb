package import Primitives

/// A group whose state can not be taken up from this disk: its snapshot is destroyed, or gone.
package struct ReplicaDamage: Error, Sendable, CustomStringConvertible {
    package let group: GroupID
    /// The log begins behind this entry.
    package let compacted: UInt64
    package let path: String
    package let offset: UInt64
    package let what: String

    package var description: String {
        "\(path) at offset \(offset): group \(group): \(what); "
            + "while the cluster's other nodes run, `atoll check namespace DIR --repair` fills the replica from theirs"
    }
}

/// A group whose log can not be taken up, though it can be read.
package struct ReplicaRefusal: Error, Sendable, CustomStringConvertible {
    package let group: GroupID
    package let problem: String

    package var description: String { "group \(group): its log cannot be taken up: \(problem)" }
}
