// Replacing the key, a step at a time, so that the file alone says what is next.
extension KeyRing {
    /// What was done to a ring. Each step must be known to every node before the next.
    package enum Step: Hashable, Sendable {
        /// It opens, and does not seal.
        case added(UInt8)
        /// It seals; the one before it still opens.
        case used(UInt8)
        case removed(UInt8)
    }

    /// Whether a step that has left this ring was the last.
    package func isSettled(by step: Step) -> Bool {
        if case .removed = step { keys.count == 1 } else { false }
    }

    /// The key that was added last: ids are handed out upwards and begin again behind 255 (serial numbers as of RFC 1982).
    private var newest: Key { keys.dropFirst().reduce(keys[0]) { newest, key in key.id &- newest.id < 128 ? key : newest } }

    /// Takes the next step: a ring of one key gets another one; one whose newest key does not seal seals with that;
    /// else the oldest of the others goes. With more than one old key the last step comes as often.
    package mutating func advance() throws(TransportError) -> Step {
        if keys.count == 1 { return .added(try addNew()) }
        let newest = newest.id
        guard primary.id == newest else {
            try use(newest)
            return .used(newest)
        }
        let oldest = keys.dropFirst().max { newest &- $0.id < newest &- $1.id }!.id
        try remove(oldest)
        return .removed(oldest)
    }
}
