"""The units of measure as data: their size in their dimension's own unit, and their names."""

from __future__ import annotations

import re
import unicodedata

# dimension, symbol, size, name in the CLDR: further names, with case. '*' marks a unit so rare in commerce
# that another one is meant where the case of the letters says nothing.
TABLE = """
mass        mg      1e-6            mass-milligram         : milligramme milligrammes
mass        g       1e-3            mass-gram              : gr grs gramme grammes
mass        kg      1               mass-kilogram          : kgs kilo kilos kilogramme kilogrammes 公斤 キロ
mass        t       1000            mass-tonne             : tonne tonnes
mass        oz      0.028349523125  mass-ounce             :
mass        lb      0.45359237      mass-pound             : lbs
mass        st      6.35029318      mass-stone             :
mass        Mg*     1000            -                      : megagram megagrams
mass        ug*     1e-9            mass-microgram         : mcg
length      nm      1e-9            length-nanometer       : nanometre nanometres
length      um*     1e-6            length-micrometer      : micrometre micrometres micron microns
length      mm      1e-3            length-millimeter      : millimetre millimetres mms
length      cm      0.01            length-centimeter      : centimetre centimetres cms センチ 公分
length      dm      0.1             length-decimeter       : decimetre decimetres
length      m       1               length-meter           : metre metres mtr mtrs
length      km      1000            length-kilometer       : kilometre kilometres
length      Mm*     1e6             -                      : megameter megameters megametre megametres
length      in      0.0254          length-inch            : "
length      ft      0.3048          length-foot            : '
length      yd      0.9144          length-yard            : yds
length      mi      1609.344        length-mile            :
length      nmi     1852            length-nautical-mile   :
area        mm2     1e-6            -                      : sqmm
area        cm2     1e-4            area-square-centimeter : sqcm qcm
area        m2      1               area-square-meter      : sqm qm squaremetre squaremetres 平米
area        km2     1e6             area-square-kilometer  : sqkm
area        ha      1e4             area-hectare           :
area        in2     0.00064516      area-square-inch       : sqin
area        ft2     0.09290304      area-square-foot       : sqft
area        yd2     0.83612736      area-square-yard       : sqyd
area        ac      4046.8564224    area-acre              :
volume      ml      1e-3            volume-milliliter      : mL millilitre millilitres mls
volume      cl      1e-2            volume-centiliter      : cL centilitre centilitres
volume      dl      0.1             volume-deciliter       : dL decilitre decilitres
volume      l       1               volume-liter           : L litre litres ltr ltrs
volume      hl      100             volume-hectoliter      : hL hectolitre hectolitres
volume      megaliter* 1e6          volume-megaliter       : ML Ml megalitre megalitres
volume      cm3     1e-3            volume-cubic-centimeter: ccm cc
volume      m3      1000            volume-cubic-meter     : cbm cubicmetre cubicmetres
volume      in3     0.016387064     volume-cubic-inch      : cuin
volume      ft3     28.316846592    volume-cubic-foot      : cuft
volume      floz    0.0295735295625 volume-fluid-ounce     : fluidoz usfloz
volume      flozimp 0.0284130625    volume-fluid-ounce-imperial : impfloz ukfloz
volume      pt      0.473176473     volume-pint            :
volume      qt      0.946352946     volume-quart           :
volume      gal     3.785411784     volume-gallon          : usgal usgallon usgallons
volume      galimp  4.54609         volume-gallon-imperial : impgal ukgal ukgallon ukgallons
time        ms      1e-3            duration-millisecond   : msec
time        s       1               duration-second        : sec secs
time        min     60              duration-minute        : mins
time        h       3600            duration-hour          : hr hrs
time        d       86400           duration-day           :
time        wk      604800          duration-week          : wks
temperature c       1               temperature-celsius    : C °C celsius degc degC Celsius
temperature f       0.5555555555555556 temperature-fahrenheit : F °F fahrenheit degf degF Fahrenheit
temperature k       1               temperature-kelvin     : K
power       mW      1e-3            power-milliwatt        :
power       W       1               power-watt             :
power       kW      1e3             power-kilowatt         :
power       MW      1e6             power-megawatt         :
voltage     mV      1e-3            -                      : millivolt millivolts
voltage     V       1               electric-volt          : 伏
voltage     kV      1e3             -                      : kilovolt kilovolts
current     mA      1e-3            electric-milliampere   :
current     A       1               electric-ampere        : amp amps
charge      mAh     1e-3            -                      : 毫安 毫安时
charge      Ah      1               -                      :
energy      J       1               energy-joule           :
energy      kJ      1e3             energy-kilojoule       :
energy      kcal    4184            energy-kilocalorie     :
energy      Wh      3600            -                      :
energy      kWh     3.6e6           energy-kilowatt-hour   :
force       N       1               force-newton           :
torque      Nm      1               torque-newton-meter    :
light       lm      1               light-lumen            :
frequency   Hz      1               frequency-hertz        :
frequency   kHz     1e3             frequency-kilohertz    :
frequency   MHz     1e6             frequency-megahertz    :
frequency   GHz     1e9             frequency-gigahertz    :
pressure    mbar    100             pressure-millibar      :
pressure    bar     1e5             pressure-bar           :
pressure    Pa      1               pressure-pascal        :
pressure    hPa     100             pressure-hectopascal   :
pressure    kPa     1e3             pressure-kilopascal    :
pressure    MPa     1e6             pressure-megapascal    :
pressure    psi     6894.757293168361 pressure-pound-force-per-square-inch :
speed       m/s     1               speed-meter-per-second :
speed       km/h    0.2777777777777778 speed-kilometer-per-hour : kph kmh
speed       mph     0.44704         speed-mile-per-hour    :
data        kB      1e3             digital-kilobyte       : KB
data        MB      1e6             digital-megabyte       :
data        GB      1e9             digital-gigabyte       :
data        TB      1e12            digital-terabyte       :
data        kb*     125             digital-kilobit        :
data        Mb*     125e3           digital-megabit        : Mbit
data        Gb*     125e6           digital-gigabit        : Gbit
data        Tb*     125e9           digital-terabit        : Tbit
"""

UNSURE = re.compile(
    r"(?i)(?:short|long)?tons?|pfund|livres?|pond(?:en)?|pund|libras?|libbr[ae]|funt\w*|ounceimp.*"
)
"""Words for units of several sizes, as `key` writes them: a ton has 907, 1,000 or 1,016 kg, a Pfund 500 g."""


def key(name: str) -> str:
    """A unit's name with its case, without what writers do differently: 'fl. oz.' is 'floz', 'm²' is 'm2'."""
    wide = unicodedata.normalize("NFKC", name).translate(_QUOTES).replace("''", '"')
    return re.sub(r"[\s.^_\u00b7\u22c5\u2219-]+", "", wide)


_QUOTES = str.maketrans({"\u2032": "'", "\u2019": "'", "\u201d": '"', "\u03bc": "u"})
