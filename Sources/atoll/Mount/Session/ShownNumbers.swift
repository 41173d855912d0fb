import Filesystem
import Primitives

/// The numbers by which a mount shows objects, and those by which its present session knows them. They are the same as
/// long as the first session lasts. One that takes its place numbers anew what had been made since the last version, and
/// may give a number again that stands for something else here.
struct ShownNumbers {
    /// From here on numbers are of a session, and not of the file system.
    private static let sessionsOwn: UInt64 = 1 << 61

    private static let limit = 1 << 20

    private var current: [InodeID: InodeID] = [:]
    private var shown: [InodeID: InodeID] = [:]
    private var fresh = sessionsOwn
    private var isFirst = true

    /// Nothing has to be translated.
    var areTheSame: Bool { isFirst }

    static func isSessionsOwn(_ number: InodeID) -> Bool { number.rawValue >= sessionsOwn }

    /// Another session begins: nothing is known of its numbers.
    mutating func beginAnew() {
        isFirst = false
        current = [:]
        shown = [:]
    }

    mutating func learn(_ number: InodeID, is real: InodeID) {
        // What is forgotten is found again by its name.
        if current.count >= Self.limit { (current, shown) = ([:], [:]) }
        current[number] = real
        shown[real] = number
    }

    /// The session's number of what is shown as `number`; nil where it has to be looked for by name.
    func real(_ number: InodeID) -> InodeID? {
        if let known = current[number] { return known }
        return isFirst || !Self.isSessionsOwn(number) ? number : nil
    }

    mutating func show(_ real: InodeID) -> InodeID {
        if let known = shown[real] { return known }
        guard !isFirst, Self.isSessionsOwn(real) else { return real }
        fresh += 1
        let number = InodeID(fresh)
        learn(number, is: real)
        return number
    }
}
