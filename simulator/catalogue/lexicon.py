"""The words of a generated shop: departments, categories, attributes and the uses of things.

Notation: alternatives of one word are separated by `|`, the canonical one first; words are
separated by commas. A category line is `noun; typical price; kinds; uses; swaps`, where a use
completes "something to ..." and shares no word with the noun, and a swap `a>b` gives the category
attribute b in place of its department's attribute a, or none in its place.
"""

ATTRIBUTES: dict[str, str] = {
    "audience": "women|womens|ladies|female, men|mens|gents|male, kids|childrens|children|junior, "
    "girls, boys, unisex, teens|teenage, seniors|elderly",
    "colour": "black|jet black|onyx, white|ivory|snow, blue|navy|azure, red|crimson|scarlet, "
    "green|olive|emerald, grey|gray|charcoal, pink|rose|blush, brown|tan|chestnut, "
    "beige|cream|sand, yellow|mustard, purple|violet|lilac, orange|rust, silver|metallic, "
    "gold|golden, teal|turquoise, multicolour|rainbow|patterned",
    "fabric": "cotton|organic cotton, wool|merino, linen|flax, polyester|poly, leather|hide, "
    "denim|jean, silk|satin, fleece|sherpa, suede|nubuck, cashmere|soft wool, nylon|ripstop, "
    "velvet|plush, mesh|knit, canvas|duck cloth, bamboo|viscose",
    "fashion size": "size s|small, size m|medium, size l|large, size xl|extra large, "
    "size xs|petite, plus size|curvy, size 38, size 40, size 42, size 44",
    "fashion style": "casual|everyday, formal|dressy, vintage|retro, boho|bohemian, "
    "classic|timeless, sporty|athleisure, minimalist|plain, party|evening, streetwear|urban",
    "fashion feature": "waterproof|rainproof, stretch|elastic, slim fit|skinny, "
    "breathable|airy, lined|insulated, hooded|with hood, machine washable|easy care, "
    "wrinkle free|non iron, oversized|baggy, reversible|two way",
    "sport feature": "waterproof|water resistant|weatherproof, lightweight|ultralight|featherlight,"
    " foldable|collapsible|packable, breathable|ventilated, adjustable|customisable, "
    "anti slip|non slip|grippy, insulated|thermal, reflective|high visibility, "
    "shockproof|impact resistant, quick dry|fast drying",
    "sport level": "beginner|starter|novice, professional|pro|elite, training|practice, "
    "competition|race, recreational|leisure",
    "sport size": "small|size s, medium|size m, large|size l, one size|universal, xl|extra large",
    "tough material": "aluminium|aluminum|alloy, steel|metal, carbon|carbon fibre, nylon|ripstop, "
    "rubber|latex, foam|eva, titanium|ti, plastic|polymer, neoprene|wetsuit rubber",
    "connection": "wireless|cordless|bluetooth, wired|corded, usb c|type c, wifi|wlan, hdmi, "
    "usb|usb a, nfc|contactless",
    "tech feature": "noise cancelling|anc|noise reducing, fast charging|quick charge, "
    "rgb|backlit|light up, portable|travel size|pocket, waterproof|ipx7|splashproof, "
    "gaming|esports|gamer, foldable|folding, "
    "ergonomic|comfort, smart|connected, rechargeable|battery powered",
    "capacity": "64gb, 128gb, 256gb, 512gb, 1tb|1000gb, 2tb|2000gb",
    "charge": "10000mah, 20000mah, 5000mah, 20w, 65w",
    "screen": "6 inch, 10 inch, 13 inch, 15 inch, 24 inch, 32 inch, 55 inch, 4k|ultra hd|uhd, "
    "touchscreen|touch display",
    "tech use": "office|business|work, student|school|college, travel|on the go, "
    "home theatre|cinema, creator|studio|streaming, outdoor|rugged",
    "home material": "wood|wooden|timber, oak|solid oak, glass|crystal, metal|steel|iron, "
    "ceramic|porcelain|stoneware, bamboo|rattan, marble|stone, plastic|acrylic, velvet|plush",
    "soft material": "cotton|organic cotton, memory foam|viscoelastic, wool|merino, linen|flax, "
    "velvet|plush, down|feather, polyester|microfibre, silk|satin, jute|sisal",
    "home style": "modern|contemporary, scandinavian|nordic|scandi, rustic|farmhouse, "
    "industrial|loft, vintage|antique|retro, mid century|fifties, minimalist|simple, "
    "luxury|opulent, coastal|nautical",
    "home size": "small|compact|mini, large|big|xl, set of 2|pair, set of 4|four pack, "
    "extra long|tall",
    "bed size": "king size|king, queen size|queen, single|twin, double|full, super king",
    "home feature": "foldable|folding|collapsible, washable|machine washable, adjustable|"
    "height adjustable, stackable|nesting, "
    "scratch resistant|hard wearing, hypoallergenic|anti allergy, space saving|slim",
    "room": "bedroom|sleeping room, living room|lounge, bathroom|washroom, hallway|entryway, "
    "dining room|dinner, home office|study, nursery|baby room, balcony|patio",
    "kitchen material": "stainless steel|inox|metal, cast iron|iron, ceramic|stoneware, "
    "silicone|rubber, glass|borosilicate, bamboo|wood, copper|cuivre, aluminium|aluminum, "
    "bpa free plastic|tritan",
    "pan feature": "non stick|nonstick|stick free, dishwasher safe|easy clean, "
    "induction|hob safe, oven safe|heatproof, with lid|covered, pfas free|non toxic",
    "table feature": "dishwasher safe|easy clean, stackable|nesting, shatterproof|unbreakable, "
    "leakproof|sealed, handmade|hand crafted, microwave safe|heatproof",
    "appliance feature": "programmable|digital|timer, quiet|silent|low noise, "
    "energy saving|efficient, one touch|automatic, cordless|wireless, easy clean|self cleaning",
    "household": "family|household, single person|solo, restaurant|catering, student|dorm",
    "kitchen size": "2 litre|2l, 5 litre|5l, 1 litre|1l, 12 cup|large, single serve|mini|compact, "
    "family size|xl, set of 6|six piece, 28 cm|28cm",
    "skin": "dry skin|dehydrated skin, oily skin|shine prone, sensitive skin|gentle, "
    "mature skin|anti ageing|anti aging, acne prone|blemish, normal skin, curly hair|curls, "
    "damaged hair|brittle hair",
    "formula": "vegan|plant based, organic|natural|bio, fragrance free|unscented, "
    "cruelty free|not tested on animals, long lasting|24h|stay on, waterproof|smudgeproof, "
    "spf 50|sun protection, oil free|non comedogenic, matte|shine free, glossy|dewy",
    "ingredient": "aloe vera|aloe, vitamin c|ascorbic acid, hyaluronic acid|hyaluron, "
    "retinol|vitamin a, shea butter|karite, tea tree|melaleuca, argan oil|moroccan oil, "
    "charcoal|activated carbon, rose water|rosewater, keratin|protein, collagen|peptide",
    "device feature": "rechargeable|battery powered, waterproof|shower safe, travel|compact, "
    "quiet|silent, professional|salon, cordless|wireless",
    "beauty size": "50ml|travel size, 100ml, 200ml, 500ml|family size, set of 3|gift set, refill",
    "age": "newborn|0 months, baby|infant, toddler|2 years, preschool|3 years, 5 years|age 5, "
    "8 years|age 8, 12 years|tween",
    "toy feature": "educational|learning|montessori, interactive|talking, battery operated|"
    "motorised, washable|easy clean, glow in the dark|luminous, magnetic|magnet, "
    "musical|with sound, foldable|travel, remote controlled|rc, eco friendly|sustainable",
    "toy theme": "dinosaur|dino|jurassic, unicorn|magical, space|rocket|astronaut, "
    "princess|fairytale, pirate|treasure, farm|barnyard, superhero|hero, jungle|safari, "
    "ocean|under the sea, train|railway",
    "toy material": "wooden|wood, plush|soft|cuddly, plastic, cotton|fabric, silicone|rubber, "
    "cardboard|paper, foam|eva",
    "power": "cordless|battery|wireless, electric|mains, petrol|gas powered, manual|hand, "
    "solar|sun powered, 18v|18 volt, 12v|12 volt",
    "garden material": "steel|metal, teak|hardwood, rattan|wicker, plastic|resin, "
    "terracotta|clay, aluminium|aluminum, bamboo|cane, rubber|flexible, fibreglass|grp",
    "garden feature": "weatherproof|all weather|rust proof, telescopic|extendable, "
    "brushless|high torque, foldable|folding, heavy duty|industrial, quiet|low noise, "
    "self watering|auto irrigation, ergonomic|soft grip, frost resistant|hardy",
    "place": "balcony|patio, lawn|turf|grass, greenhouse|polytunnel, workshop|garage, "
    "terrace|decking, raised bed|vegetable patch",
    "pet": "dog|canine|puppy, cat|feline|kitten, rabbit|bunny, bird|parrot, hamster|rodent, "
    "small dog|toy breed, large dog|big breed, senior dog|old dog",
    "pet feature": "grain free|gluten free, hypoallergenic|sensitive stomach, washable|machine "
    "washable, chew proof|indestructible, no pull|training, waterproof|rainproof, "
    "orthopedic|joint support, automatic|timed, odour control|smell free, reflective|glow",
    "flavour": "chicken|poultry, salmon|fish, beef|steak, lamb|mutton, duck, vegetable|veggie, "
    "catnip, peanut butter|peanut",
    "pack": "1 kg|1kg, 3 kg|3kg, 10 kg|10kg|bulk, 6 pack|six pack, 12 pack|dozen",
    "food pack": "250 g|250g, 500 g|500g|half kilo, 1 kg|1kg, 6 pack|six pack, 12 pack|dozen, "
    "gift box|present box, refill|bulk",
    "food quality": "artisan|craft|handmade, premium|gourmet, everyday|basic, "
    "award winning|prize winning, limited edition|seasonal",
    "diet": "organic|bio, vegan|plant based, gluten free|coeliac, sugar free|no added sugar, "
    "fair trade|ethical, keto|low carb, kosher, halal, lactose free|dairy free",
    "taste": "chocolate|cocoa, vanilla, caramel|toffee, lemon|citrus, berry|strawberry|raspberry, "
    "mint|peppermint, spicy|hot|chilli, sea salt|salted, hazelnut|nutty, ginger",
    "origin": "italian|italy, japanese|japan, french|france, ethiopian|ethiopia, "
    "colombian|colombia, greek|greece, mexican|mexico, indian|india",
    "paper": "a4, a5, a3, letter|us letter, lined|ruled, dotted|bullet, blank|plain, "
    "recycled|eco, thick|200gsm",
    "office feature": "refillable|with refills, quick dry|smudge free, erasable|rub out, "
    "self adhesive|sticky, lockable|with key, magnetic|magnet, heavy duty|long arm, "
    "personalised|custom, ergonomic|comfort grip",
    "office material": "leather|faux leather, metal|steel, plastic|polypropylene, wood|bamboo, "
    "cardboard|kraft, mesh|wire, felt|wool felt, brass|gold tone",
    "vehicle": "car|auto|automobile, suv|4x4, motorbike|motorcycle, van|transporter, "
    "truck|lorry, caravan|camper, ebike|electric bike",
    "season": "winter|snow, summer, all season|year round",
    "car feature": "universal|fits all, magnetic|magnet, heated|warming, waterproof|all weather, "
    "foldable|folding, led|bright, quick release|tool free, heavy duty|reinforced, "
    "anti theft|security, adjustable|flexible",
    "car material": "rubber|latex, leather|faux leather, steel|metal, microfibre|microfiber, "
    "carbon|carbon look, aluminium|alloy, neoprene, silicone",
    "car size": "17 inch, 19 inch, 205/55 r16, 5w30|5w 30, 12v|12 volt, 5 litre|5l, pair|set of 2, "
    "set of 4|four pack",
}

# Per department: its name, the attributes of its items in the order of their words, its categories.
DEPARTMENTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Sports & Outdoors",
        ("audience", "sport level", "sport feature", "tough material", "colour", "sport size"),
        """\
running shoes|trainers|runners|jogging sneakers; 90; trail, road|street, racing, cushioned|padded, barefoot|minimal; finish a marathon without sore feet|start jogging before work
yoga mat|exercise mat|gym mat; 32; hot yoga|bikram, pilates, extra thick|15mm, cork; do stretches in the living room|calm down after a long day; tough material>soft material, sport size>
tent|camping shelter|bivouac; 160; dome|igloo, family|6 person, backpacking|trekking, pop up|instant; sleep in the mountains with friends|spend a festival weekend dry; sport size>, sport level>
dumbbells|hand weights|free weights; 55; hexagonal|hex, vinyl, kettle|bell shaped, selectable|dial; get stronger arms at home|build muscle without a gym
bicycle helmet|bike helmet|cycling lid; 60; mountain|mtb, commuter|city, aero|road; protect my head on the way to work|ride downhill safely
backpack|rucksack|daypack|knapsack; 75; hiking|trekking, laptop|commuter, hydration|water bladder, travel|carry on; carry everything for a week abroad|walk for days with my gear
football|soccer ball; 28; match|fifa, futsal|indoor, street, mini|skills; play a game with the neighbours; tough material>, sport size>
swim goggles|swimming glasses; 22; mirrored|tinted, prescription|optical, open water|triathlon; see clearly while doing laps; tough material>
sleeping bag|camp quilt|mummy bag; 85; down|feather, synthetic, summer|light, winter|four season; stay warm on cold nights outside|visit friends who have no spare bed""",
    ),
    (
        "Fashion",
        ("audience", "fashion style", "fashion feature", "colour", "fabric", "fashion size"),
        """\
dress|gown|frock; 58; maxi|floor length, wrap, midi|knee length, cocktail|party; look good as a wedding guest|go out on a summer night
t shirt|tee|top; 19; crew neck|round neck, v neck, graphic|printed, polo; wear something simple every day
jeans|denim pants|dungarees; 62; skinny|super slim, straight, bootcut|flared, ripped|distressed; replace worn out legwear|dress down on fridays
winter coat|parka|overcoat; 145; puffer|quilted|padded, trench, duffle|toggle; survive minus twenty degrees|move to norway
sneakers|trainers|tennis shoes; 79; high top|hi tops, slip on|laceless, platform|chunky, canvas|plimsoll; walk around the city all day
handbag|purse|tote; 68; crossbody|messenger, shoulder, clutch|evening, bucket; keep my things together at a party; fashion size>
sunglasses|shades|sunnies; 48; aviator|pilot, polarised|polarized, cat eye, round|lennon; protect my eyes at the beach; fabric>, fashion size>, fashion feature>
wrist watch|timepiece|wristwatch; 130; chronograph|chrono, automatic|mechanical, diving|diver, digital; stop being late|celebrate a promotion; fabric>, fashion size>, fashion feature>
socks|hosiery|stockings; 12; ankle|no show, compression|support, hiking|boot, thermal|warm; keep my toes cosy in bed""",
    ),
    (
        "Electronics",
        ("connection", "tech feature", "screen", "capacity", "colour", "tech use"),
        """\
headphones|headset|earphones|cans; 95; over ear|circumaural, in ear|earbuds, on ear, open back; concentrate in a loud office|sleep on a plane; screen>, capacity>
laptop|notebook|notebook computer|ultrabook; 820; chromebook|cloudbook, gaming|gamer, convertible|2 in 1, business; write my thesis in a cafe|edit films on the road
smartphone|mobile phone|cell phone|handset; 480; dual sim|two sim, refurbished|renewed, rugged|outdoor, flagship; stay in touch with grandchildren|take great pictures at concerts
television|tv|flat screen; 540; oled, qled|quantum dot, led, curved; watch the final with ten friends|binge series on the sofa; capacity>
power bank|battery pack|portable charger; 34; slim|thin, solar|sun powered, magsafe|magnetic, high capacity; survive a day without a socket; screen>, capacity>charge
bluetooth speaker|boombox|sound box; 70; shower|bathroom, party|loud, bookshelf, mini|tiny; have music at the lake; screen>, capacity>, connection>
smart watch|smartwatch|fitness tracker; 165; gps, kids|childrens, hybrid|analogue look, running; count my steps and sleep|find out how fit i am; screen>, capacity>
digital camera|photo camera|cam; 610; mirrorless|system, compact|point and shoot, instant|polaroid, action|sports; capture wildlife from far away|start a travel vlog; screen>
mouse|computer mouse|pointing device; 36; vertical|upright, gaming|gamer, trackball, travel|mini; stop my wrist from hurting; screen>, capacity>""",
    ),
    (
        "Home & Furniture",
        ("room", "home style", "home feature", "colour", "home material", "home size"),
        """\
sofa|couch|settee; 690; corner|l shaped|sectional, sleeper|pull out bed, loveseat|two seater, reclining|recliner; make film nights comfy|host overnight visitors
floor lamp|standing lamp|uplighter; 88; arc|arched, tripod|three legged, reading, corner; read late without waking anyone
bed frame|bedstead; 290; platform|low, storage|ottoman, four poster|canopy, bunk|double decker; sleep better in my new flat; home size>bed size, room>
rug|carpet|floor covering; 110; shaggy|high pile|fluffy, persian|oriental, jute|sisal, round|circular; make cold tiles cosy|dampen steps for people downstairs; home material>soft material
curtains|drapes|window panels; 42; sheer|voile, thermal|insulating, eyelet|ring top, cafe|half; sleep past sunrise|hide from the neighbours; home material>soft material
desk|writing table|workstation; 215; standing|sit stand, corner|l shaped, folding|fold away, kids|childrens; work from home without back pain
bookshelf|bookcase|shelving unit; 125; ladder|leaning, floating|wall mounted, cube|modular, corner; tidy up hundreds of novels
pillow|cushion|head rest; 34; neck|cervical, throw|decorative|scatter, body|pregnancy, feather|down; wake up without a stiff neck; home material>soft material, room>
mattress|bed base|sleep surface; 430; pocket spring|coil, latex, orthopedic|firm, topper|overlay; get rid of my sore back overnight; home material>soft material, home size>bed size, room>""",
    ),
    (
        "Kitchen & Dining",
        (
            "appliance feature",
            "household",
            "home style",
            "colour",
            "kitchen material",
            "kitchen size",
        ),
        """\
coffee machine|coffee maker|espresso maker; 185; bean to cup|fully automatic, capsule|pod, filter|drip, moka|stovetop; wake up properly on mondays|stop spending money in cafes
frying pan|skillet|saute pan; 44; wok|stir fry, grill|griddle, crepe|pancake, paella; make eggs that never burn; appliance feature>pan feature
blender|liquidiser|smoothie maker; 72; immersion|hand|stick, high speed|power, personal|bottle, soup; drink my greens every morning
knife set|kitchen knives|blades; 95; santoku|asian, steak|table, chefs|chef, paring|peeling; chop onions like a professional; appliance feature>table feature
food storage containers|lunch boxes|meal prep tubs; 26; bento|divided, airtight|vacuum, stackable|nesting, baby food; bring leftovers to work; appliance feature>table feature
kettle|water boiler; 46; gooseneck|pour over, electric, whistling|stovetop, temperature control|variable; have a cuppa in two minutes
dinnerware set|plates|crockery; 84; 12 piece|for four, pasta|deep, dessert|side, picnic|outdoor; invite my parents in law for the first time; appliance feature>table feature
air fryer|hot air oven|oil free fryer; 120; dual zone|two drawer, oven style|toaster oven, rotisserie|spit, basket; eat chips with a better conscience
wine glasses|stemware|goblets; 38; red|burgundy, champagne|flutes, stemless|tumbler, crystal|cut; toast to a new house; appliance feature>table feature, kitchen material>""",
    ),
    (
        "Beauty & Care",
        ("audience", "formula", "skin", "ingredient", "colour", "beauty size"),
        """\
face cream|moisturiser|moisturizer|day cream; 32; night|overnight, tinted|bb, gel|water, anti wrinkle|firming; look less tired in the mirror|feel soft in winter; colour>
shampoo|hair wash|hair cleanser; 15; anti dandruff|flake control, volumising|volume, dry|no rinse, solid|bar; stop itching on my scalp; colour>
lipstick|lip colour|rouge; 19; liquid|lacquer, nude|natural, crayon|pencil, balm|tinted; feel bold on a first date; skin>
perfume|fragrance|eau de parfum|scent; 74; floral|flowery, woody|sandalwood, citrus|fresh, oriental|spicy; smell unforgettable|thank my mother in law; skin>, ingredient>, colour>
electric toothbrush|sonic toothbrush|powered toothbrush; 66; sonic|vibrating, kids|childrens, travel|compact, rotating|oscillating; hear praise from the dentist; skin>, ingredient>, formula>device feature, beauty size>
hair dryer|blow dryer|hairdryer; 58; ionic|anti frizz, travel|folding, diffuser|curl, brush|hot air; leave the house with nothing dripping; skin>, ingredient>, formula>device feature, beauty size>
sunscreen|sun cream|sun lotion; 18; mineral|zinc, spray|mist, face, after sun|soothing; avoid getting burnt on holiday; colour>
nail polish|nail varnish|nail lacquer; 10; gel|uv, peel off|removable, top coat|sealer, quick dry; have pretty hands for the weekend; skin>, ingredient>
beard trimmer|shaver|razor; 49; precision|detail, body|groin, foil|electric, straight|cut throat; tame a lockdown look; skin>, ingredient>, formula>device feature, beauty size>, audience>""",
    ),
    (
        "Toys & Baby",
        ("age", "toy theme", "toy feature", "colour", "toy material", "audience"),
        """\
building blocks|construction set|bricks; 36; marble run|ball track, magnetic|tiles, castle|fortress, vehicle|car; keep two brothers busy on a rainy day
stuffed animal|cuddly toy|plushie|soft toy; 22; bear|teddy, rabbit|bunny, dog|puppy, giant|xxl; comfort a child in hospital
board game|family game|parlour game; 34; strategy|tactics, party|quiz, cooperative|coop, card|deck; spend an evening without screens; toy material>, colour>
puzzle|jigsaw; 17; 1000 piece|thousand pieces, 3d|three dimensional, floor|giant, brain teaser|logic; train grandmas memory; colour>
stroller|pushchair|buggy|pram; 330; jogging|running, double|twin|sibling, travel|umbrella, all terrain|off road; take the little one for long walks; toy theme>, toy material>, toy feature>car feature
doll|dolly|figurine; 29; baby|newborn, fashion, rag|cloth, house|miniature; surprise my niece on her birthday
toy car|model vehicle|die cast; 18; racing|formula, fire engine|fire truck, police|patrol, excavator|digger; please a four year old who loves engines
baby monitor|babyphone|nursery camera; 105; video|with camera, audio|sound only, breathing|movement, app|wifi; hear crying from downstairs; toy theme>, toy material>, toy feature>tech feature, audience>
play tent|teepee|den; 48; castle|palace, tunnel|crawl, rocket, circus; give kids a hideaway in their room""",
    ),
    (
        "Garden & Tools",
        ("power", "place", "garden feature", "garden material", "colour", "home size"),
        """\
lawn mower|grass cutter|lawnmower; 310; robot|robotic|automatic, ride on|tractor, mulching, push|cylinder; spend less time on my yard; garden material>, place>
cordless drill|power drill|drill driver; 105; hammer|impact, screwdriver|compact, right angle|corner, percussion; hang pictures in concrete walls; place>, garden material>
garden hose|water hose|hosepipe; 39; expandable|stretchy, soaker|drip, reel|retractable, flat|lay flat; keep tomatoes alive in july; power>
plant pot|planter|flower pot; 27; hanging|suspended, window box|railing, raised|standing, orchid; green up a windowsill; power>
barbecue|bbq|grill; 260; charcoal|coal, kamado|egg, tabletop|portable, smoker|smoking; feed twenty hungry friends outside; power>
garden chair|patio seat|lounger; 92; folding|director, rocking|swing, adirondack|muskoka, hammock|hanging; sit in the evening sun with a book; power>
pruning shears|secateurs|clippers; 28; bypass, anvil, hedge|long handled, bonsai|precision; tame overgrown roses; power>, place>
tool set|toolkit|tool box; 84; mechanics|socket, household|starter, electricians|vde, bicycle|bike; fix things in a first apartment; power>, place>
pressure washer|power washer|jet wash; 170; hot water|steam, compact|mini, patio|surface, petrol|engine; get moss off the driveway; garden material>""",
    ),
    (
        "Pets",
        ("pet", "pet feature", "flavour", "pack", "colour", "toy material"),
        """\
dry food|kibble|pet food; 34; puppy|junior, light|weight control, sterilised|neutered, raw|freeze dried; feed a fussy eater|help a chubby companion slim down; toy material>, colour>, pet feature>diet
pet bed|sleeping basket|pet cushion; 46; donut|calming, cave|igloo, cooling|summer, sofa|couch; keep fur off my couch; flavour>, pack>
leash|lead|walking line; 19; retractable|extending, hands free|running, double|splitter, rope|climbing; stop being dragged along the street; flavour>, pack>
scratching post|cat tree|climbing tower; 72; wall mounted|shelf, sisal|rope, tall|ceiling, barrel|drum; save my furniture from claws; flavour>, pack>, pet>
cat litter|kitty litter|tray filler; 18; clumping|lumping, silica|crystal, wood pellet|natural, scented|lavender; stop my flat from smelling; flavour>, pet>, toy material>, colour>
aquarium|fish tank|vivarium; 140; nano|mini, corner|panorama, starter|complete, reef|marine; watch something peaceful after work; pet>, pet feature>, flavour>, pack>, toy material>garden material
treats|snacks|chews; 11; dental|teeth cleaning, training|reward, bone|rawhide, soft|semi moist; teach an old one new tricks; toy material>, colour>, pet feature>diet
harness|body vest|chest strap; 27; escape proof|safety, step in, tactical|military, car|seat belt; walk a nervous rescue; flavour>, pack>
carrier|transport box|travel crate; 54; airline|cabin, backpack|bubble, foldable|soft, wheeled|trolley; get to the vet without scratches; flavour>, pack>""",
    ),
    (
        "Food & Drink",
        ("diet", "food quality", "origin", "taste", "food pack", "household"),
        """\
coffee beans|whole bean coffee|espresso roast; 17; dark roast|strong, decaf|caffeine free, single origin|estate, light roast|blonde; stay awake at a night shift; taste>
green tea|sencha|tea leaves; 12; matcha|powdered, jasmine|scented, loose leaf|loose, iced|cold brew; drink less caffeine at work
chocolate bar|candy bar|sweets; 6; dark|bitter, milk|creamy, white, filled|praline; cheer up a sad colleague
olive oil|cooking oil|extra virgin oil; 15; cold pressed|unfiltered, truffle|infused, garlic, early harvest; dress a summer salad; taste>
protein powder|whey|protein shake; 36; isolate|pure, casein|slow, pea|plant, mass gainer|bulking; recover after lifting
pasta|noodles|spaghetti; 5; whole wheat|wholegrain, egg|fresh, lentil|pulse, penne|tubes; cook something quick for students
nuts|trail mix|kernels; 11; roasted|toasted, raw|natural, almonds|almond, cashews|cashew; nibble something healthy at my desk
hot sauce|chilli sauce|pepper sauce; 8; habanero|extreme, sriracha|garlic, smoked|chipotle, green|jalapeno; make my brother cry at dinner
honey|nectar|syrup; 10; manuka|medical, acacia|runny, forest|dark, creamed|set; soothe a sore throat""",
    ),
    (
        "Office & Stationery",
        ("office feature", "paper", "home style", "office material", "colour", "tech use"),
        """\
notebook|writing pad|journal; 14; spiral|wirebound, hardcover|hardback, bullet|dot grid, pocket|mini; keep track of my thoughts
fountain pen|ink pen|nib pen; 46; calligraphy|lettering, cartridge|converter, starter|beginner, italic|broad; sign contracts in style; paper>
printer paper|copy paper|printing sheets; 9; glossy|photo, coloured|tinted, cardstock|heavy, laser; hand in two hundred pages tomorrow; office feature>, office material>, home style>
desk organiser|desk tidy|pen holder; 25; drawer|tray, monitor stand|riser, letter|file, rotating|carousel; find my keys in the chaos; paper>
label maker|label printer|labeller; 52; thermal|inkless, handheld|portable, barcode|shipping, embossing; bring order to the pantry; paper>, office feature>tech feature
office chair|desk chair|swivel chair; 210; mesh|ventilated, executive|boss, kneeling|posture, gaming|racing; survive nine hours of meetings; paper>, office feature>home feature
whiteboard|dry erase board|marker board; 68; glass|frameless, mobile|rolling, planner|calendar, easel|flipchart; plan sprints with the team; paper>
sticky notes|post its|memo pads; 7; transparent|see through, shaped|heart, lined|ruled, page markers|index; remember things at the fridge; office material>, home style>
paper shredder|document shredder|file destroyer; 98; cross cut|confetti, micro cut|high security, strip cut, auto feed; get rid of ten years of bank letters; paper>, office feature>appliance feature, office material>""",
    ),
    (
        "Automotive",
        ("vehicle", "season", "car feature", "car material", "colour", "car size"),
        """\
phone mount|phone holder|cradle; 23; dashboard|windscreen, vent|air vent, cup holder|drinks holder, handlebar|bar; follow directions hands free; season>, car size>
floor mats|foot mats|footwell liners; 45; all season|winter, tailored|custom fit, boot|trunk, deep dish|tray; keep mud off the interior; season>
dash cam|car camera|dashboard recorder; 118; dual|front and rear, rear view mirror|mirror, parking|motion, hidden|mini; prove an accident was not my fault; season>, car size>, car material>, car feature>tech feature
tyres|tires|rubber; 96; winter|snow, summer, all season|year round, run flat; get through january safely; car material>, colour>, car feature>, season>
engine oil|motor oil|lubricant; 42; fully synthetic|synthetic, diesel|tdi, high mileage|old engines, racing; service my own vehicle; car material>, colour>, car feature>, season>
seat covers|seat protectors|seat cushions; 62; lumbar|back support, kids|childrens, beaded|wooden, cooling|ventilated; make old upholstery look new
jump starter|booster pack|starter battery; 92; compressor|with pump, lithium|li ion, truck|24v, compact|mini; get going when nothing happens at the key; car material>, season>, car feature>device feature
roof box|cargo carrier|luggage box; 380; ski|long, soft|foldable, slim|narrow, xxl|extra wide; fit four people and their skis; season>, car size>
car vacuum|handheld vacuum|hoover; 58; wet and dry|wet dry, bagless|cyclone, cordless|rechargeable, mini|pocket; remove crumbs after a family trip; season>, car size>, car material>, car feature>device feature""",
    ),
)

# Words that compose further categories once those above are used up.
MODIFIERS: tuple[str, ...] = (
    "travel",
    "professional",
    "vintage",
    "premium",
    "compact",
    "kids",
    "eco",
    "designer",
    "budget",
    "deluxe",
    "outdoor",
    "luxury",
    "classic",
    "handmade",
    "smart",
    "mini",
    "modern",
    "family",
    "studio",
    "urban",
)

BRAND_HEADS: tuple[str, ...] = tuple(
    "north kestr lumo ald bramb cor verd sol hal tamar fjord quill oak ember river nim ast cal "
    "mar pell dor vant hel iver kar lind mont nor ord pax rav silv tor ulv wren yar zeph brix "
    "clov dun ell fenn glen harr isl jun kov lark mist nov oxb pine rook sable thorn umb vale "
    "west alt bel cedar drift elm forge".split()
)
BRAND_TAILS: tuple[str, ...] = tuple(
    "wind ora field ix en mark ano ella worth ic by ana stead io well ura ford is ton etti "
    "ley on ridge us haven a wick eon dale ara berg ine gate ova mere ent side ico hurst aro".split()
)
BRAND_ENDINGS: tuple[str, ...] = (
    "& Co",
    "Works",
    "Studio",
    "Labs",
    "Goods",
    "Supply",
    "Atelier",
    "Collective",
    "House",
    "Trading",
)
