package import Primitives

/// One line of the catalog's history: who did what to what, when.
package struct CatalogEvent: Hashable, Sendable, XDRCodable {
    package enum Verb: UInt32, Hashable, Sendable, CaseIterable {
        case bootstrapped = 1
        case joined
        case updated
        case drained
        case resumed
        case removed
        case created
        case renamed
        case deleted
        case purged
        case configured
        case moved
        case started
        case stopped
        case expired
        case finished
        case revoked
    }

    /// The index of the log entry that did it.
    package let index: UInt64
    package let at: WallTime
    package let by: String
    package let verb: Verb
    /// The id, or the name where there is none.
    package let object: String
    /// For an app's own history: the app that owns the object.
    package let owner: AppID?
    package let detail: String

    package init(index: UInt64, at: WallTime, by: String, verb: Verb, object: String, owner: AppID?, detail: String) {
        self.index = index
        self.at = at
        self.by = by
        self.verb = verb
        self.object = object
        self.owner = owner
        self.detail = detail
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(index)
        writer.write(at)
        writer.write(by)
        writer.write(verb.rawValue)
        writer.write(object)
        writer.write(owner)
        writer.write(detail)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            index: try reader.uint64(), at: try reader.value(), by: try reader.string(limit: CatalogCommand.principalLimit),
            verb: try reader.choice("verb of the history"), object: try reader.string(limit: CatalogCommand.textLimit),
            owner: try reader.optional(), detail: try reader.string(limit: CatalogCommand.textLimit))
    }
}
